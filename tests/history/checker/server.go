package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A process of ours that serves sessions of the store.
type process struct {
	command *exec.Cmd
	address string
}

func serve(program, store string) *process {
	p := &process{command: exec.Command(program, "--listen", "127.0.0.1:0", "--store", store)}
	out, err := p.command.StdoutPipe()
	check(err)
	log, err := os.CreateTemp("", "flame-history-server-")
	check(err)
	os.Remove(log.Name())
	p.command.Stderr = log
	check(p.command.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/self/fd/%d", log.Fd()))
		fail("%s did not start: %s", program, text)
	}
	p.address = strings.TrimSpace(line[strings.Index(line, "http://")+7:])
	go io.Copy(io.Discard, out)
	return p
}

func (p *process) end() error {
	p.command.Process.Signal(syscall.SIGTERM)
	return p.command.Wait()
}

// The process and all below it.
func family(pid int) []int {
	all := []int{pid}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, each := range lists {
		text, _ := os.ReadFile(each)
		for _, word := range strings.Fields(string(text)) {
			child, _ := strconv.Atoi(word)
			all = append(all, family(child)...)
		}
	}
	return all
}

// What is done to the store's server while requests run.
type fault struct {
	servers, name string // the script, and the server's name there
}

func (f fault) ask(verb string) string {
	out, err := exec.Command(f.servers, verb, f.name).Output()
	if err != nil {
		fail("%s %s %s: %v", f.servers, verb, f.name, err)
	}
	return strings.TrimSpace(string(out))
}

func (f fault) signal(number syscall.Signal) {
	pid, err := strconv.Atoi(f.ask("pid"))
	check(err)
	for _, each := range family(pid) {
		syscall.Kill(each, number)
	}
}

func (f fault) kill(random *rand.Rand) {
	f.signal(syscall.SIGKILL)
	time.Sleep(time.Duration(random.Intn(1000)) * time.Millisecond)
	f.ask("start")
}

func (f fault) stop(random *rand.Rand) {
	f.signal(syscall.SIGSTOP)
	time.Sleep(time.Duration(500+random.Intn(3000)) * time.Millisecond)
	f.signal(syscall.SIGCONT)
}

// Between our processes and the store's server: cuts connections, also when a reply is on its way.
type proxy struct {
	listener net.Listener
	target   string
	mutex    sync.Mutex
	open     map[net.Conn]bool
}

// The proxy, and the store's URL through it.
func newProxy(store string) (*proxy, string) {
	where, err := url.Parse(store)
	check(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	p := &proxy{listener: listener, target: where.Host, open: map[net.Conn]bool{}}
	where.Host = listener.Addr().String()
	go p.accept()
	return p, where.String()
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		p.mutex.Lock()
		p.open[client] = true
		p.mutex.Unlock()
		go func() { io.Copy(server, client); server.Close() }()
		go func() {
			io.Copy(client, server)
			client.Close()
			server.Close()
			p.mutex.Lock()
			delete(p.open, client)
			p.mutex.Unlock()
		}()
	}
}

// What was sent is there by then; its reply is not let through.
func (p *proxy) cut(random *rand.Rand) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for each := range p.open {
		if random.Intn(2) == 0 {
			each.Close()
		}
	}
}
