package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

const cookie = "__Host-session"

// One visitor, whose clients all have the same cookie jar, nearly: now and then one sends an ID that it had before.
type visitor struct {
	servers []string
	client  *http.Client

	mutex   sync.Mutex
	ids     []string
	seq     int
	history []porcupine.Operation
}

func now() int64 { return time.Since(began).Nanoseconds() }

var began = time.Now()

// The answer, and the ID that it brings: empty where it brings none.
func (v *visitor) get(server, path, id string) (status int, body, newID string) {
	request, err := http.NewRequest("GET", "http://"+server+path, nil)
	if err != nil {
		panic(err)
	}
	if id != "" {
		request.Header.Set("Cookie", cookie+"="+id)
	}
	response, err := v.client.Do(request)
	if err != nil {
		return 0, err.Error(), ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error(), ""
	}
	for _, each := range response.Cookies() {
		if each.Name == cookie {
			newID = each.Value
		}
	}
	return response.StatusCode, string(text), newID
}

func (v *visitor) begin() (id string) {
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		if status, _, id := v.get(v.servers[0], "/put?key=k0&value=first", ""); status == 200 {
			v.ids = []string{id}
			return id
		}
	}
	panic("no session can be begun in a minute")
}

func (v *visitor) choose(random *rand.Rand) input {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.seq++
	in := input{seq: v.seq, id: v.ids[len(v.ids)-1]}
	if random.Intn(8) == 0 {
		in.id = v.ids[random.Intn(len(v.ids))]
	}
	verbs := []string{"put", "put", "put", "add", "add", "flash", "take", "take", "all", "all", "all", "all", "all", "login", "logout"}
	in.verb = verbs[random.Intn(len(verbs))]
	if in.verb == "logout" && random.Intn(3) > 0 {
		in.verb = "put"
	}
	switch in.verb {
	case "put":
		in.key = fmt.Sprintf("k%d", random.Intn(3))
		in.value = fmt.Sprintf("v%d", v.seq)
	case "flash":
		in.value = fmt.Sprintf("m%d", v.seq)
	case "login":
		in.value = fmt.Sprintf("u%d", v.seq)
	}
	return in
}

func path(in input) string {
	switch in.verb {
	case "put":
		return "/put?" + url.Values{"key": {in.key}, "value": {in.value}}.Encode()
	case "flash":
		return "/flash?message=" + in.value
	case "login":
		return "/login?owner=" + in.value
	}
	return "/" + in.verb
}

func read(in input, status int, body, newID string) output {
	if status != 200 {
		return output{unknown: true}
	}
	out := output{newID: newID}
	switch in.verb {
	case "take":
		out.body = body
	case "all":
		var values map[string]interface{}
		decoder := json.NewDecoder(strings.NewReader(body))
		decoder.UseNumber()
		if err := decoder.Decode(&values); err != nil {
			panic(err)
		}
		out.values = map[string]string{}
		for k, each := range values {
			out.values[k] = fmt.Sprint(each)
		}
	}
	return out
}

// In an outage each further request would be one more of unknown outcome, and a history with many is never decided: how
// many there are shall not depend on how long a server needs to start. What only reads is no part of the history.
func (v *visitor) waitForAnswer(server, id string, random *rand.Rand) {
	for until := time.Now().Add(time.Minute); time.Now().Before(until); {
		time.Sleep(time.Duration(300+random.Intn(400)) * time.Millisecond)
		if status, _, _ := v.get(server, "/all", id); status == 200 {
			return
		}
	}
	panic("no session can be read in a minute")
}

// One request after the other, until so many are in the history.
func (v *visitor) run(number, operations int, random *rand.Rand) {
	for {
		in := v.choose(random)
		if in.seq > operations {
			return
		}
		server := v.servers[(number+in.seq)%len(v.servers)]
		call := now()
		status, body, newID := v.get(server, path(in), in.id)
		back := now()
		out := read(in, status, body, newID)
		if out.unknown {
			back = math.MaxInt64 // until the end
		}
		v.mutex.Lock()
		if out.newID != "" {
			v.ids = append(v.ids, out.newID)
		}
		v.history = append(v.history,
			porcupine.Operation{ClientId: number, Input: in, Call: call, Output: out, Return: back})
		v.mutex.Unlock()
		if out.unknown {
			v.waitForAnswer(server, in.id, random)
		} else if random.Intn(4) == 0 {
			time.Sleep(time.Duration(random.Intn(3)) * time.Millisecond)
		}
	}
}
