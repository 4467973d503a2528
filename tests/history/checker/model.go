package main

import (
	"fmt"
	"hash/fnv"
	"sort"
	"strings"

	"github.com/anishathalye/porcupine"
)

// What a client asked for, with the ID that it had.
type input struct {
	seq    int
	verb   string // put add flash take all login logout; crash of the server
	id     string
	key    string // of put
	value  string // of put, flash and login
	strict bool   // no exchange was cut, and nothing is of unknown outcome: a message that waits is never missed
	loses  bool   // its session ended meanwhile, and exchanges were cut: it may have taken a message without knowing
}

// What it was told. An operation that is unknown may have been applied at any time until the end, or never.
type output struct {
	unknown bool
	newID   string
	body    string            // of take
	values  map[string]string // of all
}

// One visitor's sessions, as an ideal store would hold them. A string, so that states are compared.
type session struct {
	id     string
	past   []string // IDs that logins replaced, in order; the last four are known as superseded
	values map[string]string
	flash  string
}

type world []session

func (w world) copy() world {
	out := make(world, len(w))
	for i, s := range w {
		out[i] = session{s.id, append([]string(nil), s.past...), map[string]string{}, s.flash}
		for k, v := range s.values {
			out[i].values[k] = v
		}
	}
	return out
}

func (w world) String() string {
	var all []string
	for _, s := range w {
		var values []string
		for k, v := range s.values {
			values = append(values, k+"="+v)
		}
		sort.Strings(values)
		all = append(all, fmt.Sprintf("%s(%s){%s}%s", s.id, strings.Join(s.past, ","), strings.Join(values, ","), s.flash))
	}
	sort.Strings(all)
	return strings.Join(all, " ")
}

const remembered = 4

// Whose session the ID opens, of whose it is a superseded one, and whose it ever was; -1: nobody's.
func (w world) find(id string) (opens, superseded, ever int) {
	opens, superseded, ever = -1, -1, -1
	for i, s := range w {
		if s.id == id {
			opens, ever = i, i
		}
		for at, old := range s.past {
			if old == id {
				ever = i
				if at >= len(s.past)-remembered {
					superseded = i
				}
			}
		}
	}
	return
}

func (w world) without(i int) world {
	out := w.copy()
	return append(out[:i], out[i+1:]...)
}

func apply(s *session, in input) {
	switch in.verb {
	case "put":
		s.values[in.key] = in.value
	case "add":
		n := 0
		fmt.Sscan(s.values["n"], &n)
		s.values["n"] = fmt.Sprint(n + 1)
	case "flash":
		s.flash = in.value
	case "login":
		if before, signedIn := s.values["user"]; signedIn && before != in.value {
			s.values, s.flash = map[string]string{}, ""
		}
		s.values["user"] = in.value
	}
}

func (w world) applied(i int, in input) world {
	out := w.copy()
	apply(&out[i], in)
	return out
}

func (w world) signedIn(i int, in input, id string) world {
	out := w.applied(i, in)
	out[i].past = append(out[i].past, out[i].id)
	out[i].id = id
	return out
}

func (w world) begun(in input, id string) world {
	s := session{id: id, values: map[string]string{}}
	apply(&s, in)
	return append(w.copy(), s)
}

// A session keeps it through all its IDs.
func selector(id string) string { return id[:min(16, len(id))] }

// Of a login whose answer nobody got: the library ends such a session when it learns of it.
func (s session) isNobodys() bool { return strings.HasPrefix(s.id, "?") }

// What the worlds can be after an operation of unknown outcome.
func (w world) perhaps(in input) []world {
	opens, _, ever := w.find(in.id)
	all := []world{w}
	switch {
	case in.verb == "logout" && ever >= 0:
		all = append(all, w.without(ever))
	case in.verb == "logout":
	case opens < 0 || in.verb == "all":
	case in.verb == "login":
		all = append(all, w.signedIn(opens, in, fmt.Sprintf("?%d", in.seq)))
	case in.verb == "take":
		taken := w.copy()
		taken[opens].flash = ""
		all = append(all, taken)
	default:
		all = append(all, w.applied(opens, in))
	}
	return all
}

func same(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return true
}

func (w world) afterTake(opens int, in input, out output) []world {
	if out.body == "" {
		if in.loses {
			return w.perhaps(in)
		}
		if opens >= 0 && w[opens].flash != "" && in.strict {
			return nil
		}
		return []world{w}
	}
	if opens < 0 || w[opens].flash != out.body {
		return nil
	}
	taken := w.copy()
	taken[opens].flash = ""
	return []world{taken}
}

// One that loaded before a login of the same session ends it all the same; one that loaded after it does not.
func (w world) afterLogout(opens, ever int) []world {
	switch {
	case opens >= 0:
		return []world{w.without(opens)}
	case ever >= 0:
		return []world{w, w.without(ever)}
	}
	return []world{w}
}

// Set, merge and sign in: with a new ID for who signs in and for who begins, and none where the changes went to
// the session of the ID, or were dropped with it.
func (w world) afterChange(opens, superseded int, in input, out output) []world {
	if out.newID != "" {
		if in.verb == "login" {
			goesOn := selector(in.id) == selector(out.newID)
			switch {
			case goesOn && opens >= 0:
				return []world{w.signedIn(opens, in, out.newID)}
			case goesOn || opens >= 0:
				return nil
			}
		} else if opens >= 0 || superseded >= 0 && !w[superseded].isNobodys() {
			return nil
		} else if superseded >= 0 {
			w = w.without(superseded)
		}
		return []world{w.begun(in, out.newID)}
	}
	if opens >= 0 {
		if in.verb == "login" {
			return nil // each signs in somebody else
		}
		return []world{w.applied(opens, in)}
	}
	return []world{w}
}

func (w world) after(in input, out output) []world {
	if out.unknown {
		return w.perhaps(in)
	}
	opens, superseded, ever := w.find(in.id)
	switch in.verb {
	case "all":
		var seen map[string]string
		if opens >= 0 {
			seen = w[opens].values
		}
		if !same(seen, out.values) {
			return nil
		}
		return []world{w}
	case "take":
		return w.afterTake(opens, in, out)
	case "logout":
		return w.afterLogout(opens, ever)
	}
	return w.afterChange(opens, superseded, in, out)
}

func describe(in input, out output) string {
	if in.verb == "crash" {
		return in.verb
	}
	text := fmt.Sprintf("%s(%s) by %s", in.verb, strings.TrimPrefix(in.key+"="+in.value, "="), in.id)
	if out.unknown {
		return text + ": 503"
	}
	if in.verb == "all" {
		return text + " -> " + world{{values: out.values}}.String()
	}
	return text + " -> " + out.body + " " + out.newID
}

// A session's history begins with the ID that its first request was given.
func model(first string, values map[string]string) porcupine.Model {
	nondeterministic := porcupine.NondeterministicModel{
		Init: func() []interface{} {
			return []interface{}{stateOf(world{{id: first, values: values}}, nil)}
		},
		Step: func(from, in, out interface{}) []interface{} {
			var all []interface{}
			for _, each := range from.(state).after(in.(input), out.(output)) {
				all = append(all, each)
			}
			return all
		},
		Equal: func(a, b interface{}) bool { return a.(state).text == b.(state).text },
		Hash: func(of interface{}) uint64 {
			hash := fnv.New64a()
			hash.Write([]byte(of.(state).text))
			return hash.Sum64()
		},
		DescribeOperation: func(in, out interface{}) string {
			return describe(in.(input), out.(output))
		},
		DescribeState: func(of interface{}) string { return of.(state).text },
	}
	return nondeterministic.ToModel()
}

// With the text that it is compared by, and the worlds to which a crash may lead back: those before writes that
// nobody acknowledged. An acknowledged one makes all before it last.
type state struct {
	world world
	undo  []world
	text  string
}

func stateOf(w world, undo []world) state {
	text := w.String()
	for _, each := range undo {
		text += "|" + each.String()
	}
	return state{w, undo, text}
}

func (s state) after(in input, out output) (all []state) {
	if in.verb == "crash" {
		for _, each := range append([]world{s.world}, s.undo...) {
			all = append(all, stateOf(each, nil))
		}
		return
	}
	now := s.world.String()
	for _, each := range s.world.after(in, out) {
		undo := s.undo
		if each.String() != now {
			undo = nil
			if out.unknown {
				undo = append(append(undo, s.undo...), s.world)
			}
		}
		all = append(all, stateOf(each, undo))
	}
	return
}

// Leaves out what cannot have been seen: of unknown outcome, and without a trace in any answer. Where such a one was
// applied, the history without it is explained just as well.
func pruned(history []porcupine.Operation) []porcupine.Operation {
	seen := map[string]bool{}
	for _, each := range history {
		out := each.Output.(output)
		seen[out.body] = true
		for _, v := range out.values {
			seen[v] = true
		}
	}
	var kept []porcupine.Operation
	for _, each := range history {
		in, out := each.Input.(input), each.Output.(output)
		if in.verb == "crash" {
			kept = append(kept, each)
			continue
		}
		traceless := in.verb == "all" || ((in.verb == "put" || in.verb == "flash") && !seen[in.value]) || in.verb == "take"
		if !out.unknown || !traceless {
			kept = append(kept, each)
		}
	}
	return kept
}
