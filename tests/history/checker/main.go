// Parallel requests of visitors to several processes on one store, checked for linearizability, session by session, by
// Porcupine: there is an order of all that was answered, within the times of the requests, that an ideal store would
// have given. Also while the store's server is killed, stopped or cut off.
package main

import (
	"flag"
	"fmt"
	"math"
	"math/rand"
	"net/http"
	"os"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"
)

func fail(format string, arguments ...interface{}) {
	fmt.Fprintf(os.Stderr, "history: "+format+"\n", arguments...)
	os.Exit(1)
}

func check(err error) {
	if err != nil {
		fail("%v", err)
	}
}

var (
	program    = flag.String("program", "", "bench_server, or another with its routes")
	store      = flag.String("store", "", "the store's URL")
	processes  = flag.Int("processes", 2, "processes on it")
	clients    = flag.Int("clients", 4, "parallel clients of a visitor")
	operations = flag.Int("operations", 200, "requests of a visitor")
	histories  = flag.Int("histories", 8, "visitors in all")
	together   = flag.Int("together", 4, "visitors at a time")
	forgets    = flag.Bool("forgets", false, "a read may see what the server forgets when it is killed, if nobody was told that it is saved")
	kind       = flag.String("fault", "none", "none, kill, stop or cut")
	servers    = flag.String("servers", "", "scripts/servers, for kill and stop")
	name       = flag.String("name", "", "the server's name there")
	seed       = flag.Int64("seed", time.Now().UnixNano(), "of all that is random")
	keep       = flag.String("keep", "", "a file for a picture of a history that is not linearizable")
	expect     = flag.String("expect", "linearizable", "linearizable, or broken: that one is found is the success")
)

type totals struct {
	operations, unknown, illegal, undecided atomic.Int64
}

// While requests run, until ended.
func driveFaults(p *proxy, ended <-chan struct{}, random *rand.Rand) (count int) {
	f := fault{*servers, *name}
	pause := map[string]int{"kill": 2500, "stop": 2500, "cut": 150}[*kind]
	for {
		select {
		case <-ended:
			return
		case <-time.After(time.Duration(pause/2+random.Intn(pause)) * time.Millisecond):
		}
		count++
		switch *kind {
		case "kill":
			call := now()
			f.kill(random)
			crashes.add(call, now())
		case "stop":
			f.stop(random)
		case "cut":
			p.cut(random)
		}
	}
}

// When the server was killed, until it was up again.
type crashList struct {
	mutex sync.Mutex
	all   []porcupine.Operation
}

var crashes crashList

func (c *crashList) add(call, back int64) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.all = append(c.all, porcupine.Operation{ClientId: *clients, Input: input{verb: "crash"}, Call: call, Output: output{}, Return: back})
}

// Those within a history.
func (c *crashList) within(history []porcupine.Operation) (some []porcupine.Operation) {
	first, last := int64(math.MaxInt64), int64(0)
	for _, each := range history {
		first, last = min(first, each.Call), max(last, each.Call)
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, each := range c.all {
		if each.Return >= first && each.Call <= last {
			some = append(some, each)
		}
	}
	return
}

func runVisitor(addresses []string, seed int64, sums *totals) {
	v := &visitor{servers: addresses,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: *clients}, Timeout: 30 * time.Second}}
	first := v.begin()
	var all sync.WaitGroup
	for i := 0; i < *clients; i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			v.run(i, *operations, rand.New(rand.NewSource(seed+int64(i))))
		}(i)
	}
	all.Wait()
	v.client.CloseIdleConnections()
	judge(v, first, sums)
}

// Whether a logout of the same session was under way at the same time.
func (v *visitor) endedDuring(one porcupine.Operation) bool {
	for _, each := range v.history {
		in := each.Input.(input)
		if in.verb == "logout" && selector(in.id) == selector(one.Input.(input).id) &&
			each.Call < one.Return && one.Call < each.Return {
			return true
		}
	}
	return false
}

func judge(v *visitor, first string, sums *totals) {
	unknown := 0
	for _, each := range v.history {
		if each.Output.(output).unknown {
			unknown++
		}
	}
	for i := range v.history {
		in := v.history[i].Input.(input)
		in.strict = unknown == 0 && *kind == "none"
		in.loses = in.verb == "take" && *kind != "none" && v.endedDuring(v.history[i])
		v.history[i].Input = in
	}
	sums.unknown.Add(int64(unknown))
	sums.operations.Add(int64(len(v.history)))
	if *forgets {
		v.history = append(v.history, crashes.within(v.history)...)
	}
	ideal := model(first, map[string]string{"k0": "first"})
	result, info := porcupine.CheckOperationsVerbose(ideal, pruned(v.history), time.Minute)
	switch result {
	case porcupine.Illegal:
		sums.illegal.Add(1)
		explain(pruned(v.history), info)
		if *keep != "" {
			porcupine.VisualizePath(ideal, info, *keep)
		}
	case porcupine.Unknown:
		sums.undecided.Add(1)
	}
}

// How far an order was found, and what could not come next.
func explain(history []porcupine.Operation, info porcupine.LinearizationInfo) {
	var longest []int
	for _, each := range info.PartialLinearizations()[0] {
		if len(each) > len(longest) {
			longest = each
		}
	}
	placed := map[int]bool{}
	for _, i := range longest {
		placed[i] = true
	}
	line := func(mark string, i int) {
		each := history[i]
		fmt.Printf("  %s %8.2f-%8.2f ms  %s\n", mark, float64(each.Call)/1e6, math.Min(float64(each.Return)/1e6, 1e9),
			describe(each.Input.(input), each.Output.(output)))
	}
	fmt.Printf("an order was found for %d of %d operations; its last ones, and the first that found no place:\n", len(longest), len(history))
	for _, i := range longest[max(0, len(longest)-25):] {
		line(" ", i)
	}
	var left []int
	for i := range history {
		if !placed[i] {
			left = append(left, i)
		}
	}
	sort.Slice(left, func(a, b int) bool { return history[left[a]].Call < history[left[b]].Call })
	for _, i := range left[:min(12, len(left))] {
		line("?", i)
	}
}

func main() {
	flag.Parse()
	if *program == "" || *store == "" {
		fail("-program and -store are needed; -help tells more")
	}
	random := rand.New(rand.NewSource(*seed))
	var p *proxy
	url := *store
	if *kind == "cut" {
		p, url = newProxy(url)
	}
	var running []*process
	var addresses []string
	for i := 0; i < *processes; i++ {
		running = append(running, serve(*program, url))
		addresses = append(addresses, running[i].address)
	}
	var sums totals
	ended := make(chan struct{})
	faults := make(chan int, 1)
	start := time.Now()
	if *kind != "none" {
		go func() { faults <- driveFaults(p, ended, rand.New(rand.NewSource(*seed))) }()
	}
	var all sync.WaitGroup
	places := make(chan struct{}, *together)
	for i := 0; i < *histories; i++ {
		places <- struct{}{}
		all.Add(1)
		go func(seed int64) {
			defer all.Done()
			runVisitor(addresses, seed, &sums)
			<-places
		}(random.Int63())
	}
	all.Wait()
	close(ended)
	driven := 0
	if *kind != "none" {
		driven = <-faults
	}
	took := time.Since(start).Seconds()
	for _, each := range running {
		if err := each.end(); err != nil {
			fail("a server ended badly: %v", err)
		}
	}
	fmt.Printf("%d histories, %d operations, %d of them of unknown outcome, %d faults (%s), %.1f s: %d not linearizable, %d undecided (seed %d)\n",
		*histories, sums.operations.Load(), sums.unknown.Load(), driven, *kind, took, sums.illegal.Load(), sums.undecided.Load(), *seed)
	if *kind != "none" && driven == 0 {
		fail("it was over before a fault came: ask for more histories")
	}
	broken := sums.illegal.Load() > 0
	if (*expect == "broken") != broken || (sums.undecided.Load() > 0 && !broken) {
		os.Exit(1)
	}
}
