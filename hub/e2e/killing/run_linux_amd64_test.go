package killing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/e2e/tracer"
	"github.com/loa-vn/loa/protocol"
)

const (
	// patience is how long a run may take, on a machine with much to do.
	patience = 150 * time.Second
	// full is how long a disk stays full before the program ends and there is room.
	full = 1500 * time.Millisecond
	// look is how often a condition is looked at.
	look = 100 * time.Millisecond
)

// fault is what meets a program once, at one of its places.
type fault struct {
	program string // "hub" or "agent"
	place   place
	nth     int // from 1
	fate    tracer.Fate
}

// run is one way through the whole path.
type run struct {
	g      *ground
	dir    string
	base   string       // of the API
	enrol  string       // where devices enrol
	args   atomic.Value // []string: what the agent's program is to do
	direct bool         // content over HTTPS
	log    *os.File

	fault *fault
	hit   chan struct{} // closed when the fault met its place
	over  chan struct{} // closed when it can not meet it any more
	ready chan struct{} // closed when all that followed from it is over
	act   atomic.Value  // string: what is being done, for the names of what is sent

	mu       sync.Mutex
	procs    map[string]*tracer.Process
	places   map[string][]place // in order of first sight, by program
	counts   map[place]int
	died     time.Time // of the agent by its fault
	problems []string
}

// newRun copies the ground and gives the run its own ports.
func (g *ground) newRun(t *testing.T, direct bool, f *fault) *run {
	t.Helper()
	r := &run{
		g: g, dir: t.TempDir(), direct: direct, fault: f, hit: make(chan struct{}), over: make(chan struct{}), ready: make(chan struct{}),
		procs: map[string]*tracer.Process{}, places: map[string][]place{}, counts: map[place]int{},
	}
	if out, err := exec.Command("cp", "-a", filepath.Join(g.dir, "hub"), filepath.Join(g.dir, "loa"), r.dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r.act.Store("they start")
	r.args.Store([]string{"run"})
	must(t, os.Mkdir(r.path("tmp"), 0o700))
	web, enrol, mqtt := port(t), port(t), port(t)
	r.base, r.enrol = fmt.Sprintf("http://127.0.0.1:%d/api/v1", web), fmt.Sprintf("https://localhost:%d", enrol)
	for name, text := range map[string]string{
		"hub.yaml": fmt.Sprintf("data: %q\nhosts: [localhost, 127.0.0.1]\nconsole: {listen: \"127.0.0.1:%d\", url: \"http://127.0.0.1:%d\"}\nenrol: {listen: \"127.0.0.1:%d\"}\nmqtt: {listen: \"127.0.0.1:%d\"}\ncontent: {http: %v}\n",
			r.path("hub"), web, web, enrol, mqtt, direct),
		"loa.yaml":     fmt.Sprintf("data: %q\nboard: ./profile.yaml\nmqtt: ssl://localhost:%d\n", r.path("loa"), mqtt),
		"profile.yaml": "name: test\nsound: {driver: wav, card: out/sound, rate: 48000}\nvolume: {ceiling: 100}\n",
	} {
		must(t, os.WriteFile(r.path(name), []byte(text), 0o600))
	}
	var err error
	r.log, err = os.Create(r.path("log"))
	must(t, err)
	t.Cleanup(func() {
		defer r.log.Close()
		if len(r.problems) > 0 {
			// The folder may be gone by now.
			b, _ := io.ReadAll(io.NewSectionReader(r.log, 0, 1<<20))
			t.Logf("programs' log:\n%s", b)
		}
	})
	return r
}

func (r *run) path(parts ...string) string {
	return filepath.Join(append([]string{r.dir}, parts...)...)
}

// next is where ports are looked for: below those that the kernel gives away.
var next atomic.Int64 //nolint:gochecknoglobals // one row of ports for all runs of this process

func port(t *testing.T) int {
	t.Helper()
	next.CompareAndSwap(0, 12000+int64(rand.IntN(15000)))
	for {
		n := int(next.Add(1))
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", n))
		if err == nil {
			must(t, l.Close())
			return n
		}
		if n > 32000 {
			t.Fatal("no port is free")
		}
	}
}

// start runs a program, under its fault if it has one that has not met it yet.
func (r *run) start(name string) error {
	cfg := tracer.Config{Program: r.g.hub, Args: []string{"--config", r.path("hub.yaml"), "serve"}, Output: r.log}
	if name == "agent" {
		cfg.Program, cfg.Args = r.g.agent, append([]string{"--config", r.path("loa.yaml")}, r.args.Load().([]string)...)
	}
	cfg.Env = []string{"TMPDIR=" + r.path("tmp")}
	select {
	case <-r.hit: // it goes on as everybody's would
	default:
		if r.fault != nil && r.fault.fate == tracer.Cut && r.fault.program == name {
			cfg.Undo = r.lasting
		}
		cfg.Decide = func(pt tracer.Point) tracer.Fate { return r.decide(name, pt) }
	}
	p, err := tracer.Start(cfg)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.procs[name] = p
	return nil
}

// lasting are the programs' files, without the card's: what has sounded stays heard.
func (r *run) lasting(path string) bool {
	return strings.HasPrefix(path, r.path("hub")) || strings.HasPrefix(path, r.path("loa")) && !strings.HasPrefix(path, r.path("loa", "out"))
}

func (r *run) proc(name string) *tracer.Process {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.procs[name]
}

// decide counts a place and gives the fault its fate.
func (r *run) decide(name string, pt tracer.Point) tracer.Fate {
	where, ok := r.placeOf(name, pt)
	if !ok {
		return tracer.Pass
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts[where]++; r.counts[where] == 1 {
		r.places[name] = append(r.places[name], where)
	}
	f := r.fault
	if f == nil || f.program != name {
		return tracer.Pass
	}
	select {
	case <-r.hit:
		if f.fate == tracer.Refuse && where.onDisk() {
			return tracer.Refuse
		}
		return tracer.Pass
	default:
	}
	if f.place != where || f.nth != r.counts[where] {
		return tracer.Pass
	}
	r.died = time.Now()
	close(r.hit)
	return f.fate
}

// strike waits for the fault, looks at what it left, and starts the program again.
func (r *run) strike() {
	defer close(r.ready)
	select {
	case <-r.hit:
	case <-r.over:
		return
	}
	p := r.proc(r.fault.program)
	if r.fault.fate == tracer.Refuse {
		select {
		case <-p.Done():
		case <-time.After(full):
		}
		p.Kill()
		r.died = time.Now() // it lived on after the refusal
	}
	<-p.Done()
	if err := p.Err(); err != nil && r.fault.fate != tracer.Refuse {
		r.wrong("tracer: %v", err)
	}
	r.consistent("right after")
	if err := r.start(r.fault.program); err != nil {
		r.wrong("not started again: %v", err)
	}
}

func (r *run) wrong(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

// until looks until a condition holds, or ctx ends.
func (r *run) until(ctx context.Context, what string, ok func() (bool, error)) error {
	r.act.Store(what)
	tick := time.NewTicker(look)
	defer tick.Stop()
	var last error
	for {
		done, err := ok()
		if done {
			return nil
		}
		var refused *refusal
		if errors.As(err, &refused) && refused.lasting() {
			return fmt.Errorf("%s: %w", what, err)
		}
		if err != nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("not in time: %s", what), last)
		case <-tick.C:
		}
	}
}

// persist does an act again until the hub has answered, as the console's outbox does.
func (r *run) persist(ctx context.Context, what string, act func() error) error {
	return r.until(ctx, what, func() (bool, error) {
		err := act()
		return err == nil, err
	})
}

// call asks the API as a person; key may be ""; bytes are sent as they are.
func (r *run) call(ctx context.Context, who protocol.PersonID, method, path, key string, in, out any) error {
	var body io.Reader
	kind := "application/json"
	if raw, ok := in.([]byte); ok {
		body, kind = bytes.NewReader(raw), "application/octet-stream"
	} else if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, r.base+path, body)
	if err != nil {
		return err
	}
	req.Close = true
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Cookie", r.g.sessions[who])
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return err
	case res.StatusCode >= 300:
		return &refusal{res.StatusCode, string(b)}
	case out == nil:
		return nil
	}
	return json.Unmarshal(b, out)
}

// newKey is an idempotency key.
func newKey(what string) string {
	return fmt.Sprintf("kill-%s-%016x", strings.ReplaceAll(what, " ", "-"), rand.Uint64())
}

// sound is a rendition, as the API describes it.
type sound struct {
	Digest string
	Frames int64 // at 48 kHz
}

// submit writes a bulletin, waits for its sound and asks for its approval.
func (r *run) submit(ctx context.Context, content, wish map[string]any, name string) (request, error) {
	var b struct {
		ID, State, Problem string
		Sound              *sound
	}
	key := newKey("write")
	if err := r.persist(ctx, name+" is written", func() error {
		return r.call(ctx, "soan", http.MethodPost, "/bulletins", key, content, &b)
	}); err != nil {
		return request{}, err
	}
	if err := r.until(ctx, "the sound of "+name, func() (bool, error) {
		err := r.call(ctx, "soan", http.MethodGet, "/bulletins/"+b.ID, "", nil, &b)
		return err == nil && (b.State == "ready" || b.State == "failed"), err
	}); err != nil {
		return request{}, err
	}
	if b.State == "failed" {
		return request{}, fmt.Errorf("%s: %s", name, b.Problem)
	}
	var a struct{ ID string }
	key = newKey("submit")
	err := r.persist(ctx, name+" is submitted", func() error {
		return r.call(ctx, "soan", http.MethodPost, "/bulletins/"+b.ID+"/submit", key, wish, &a)
	})
	return request{bulletin: b.ID, approval: a.ID, sound: *b.Sound}, err
}

// approve signs, and signs again if it is not known whether that was done.
func (r *run) approve(ctx context.Context, q request, who protocol.PersonID) error {
	return r.persist(ctx, "signed by "+string(who), func() error {
		var a struct {
			State  string
			Signed []string
		}
		if err := r.call(ctx, who, http.MethodGet, "/approvals/"+q.approval, "", nil, &a); err != nil {
			return err
		}
		for _, s := range a.Signed {
			if s == string(who) {
				return nil
			}
		}
		return r.call(ctx, who, http.MethodPost, "/approvals/"+q.approval+"/approve", "", map[string]string{"password": password}, nil)
	})
}

// end asks both programs to end and waits; one that met its fault then is started once
// more.
func (r *run) end() {
	r.act.Store("they end")
	r.ask("agent", "hub")
	select {
	case <-r.hit:
	default:
		close(r.over)
	}
	<-r.ready
	if r.fault != nil && r.fault.program == "hub" {
		// It serves again before it is asked to end.
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.until(ctx, "the hub is back", func() (bool, error) {
			select {
			case <-r.proc("hub").Done():
				return true, nil
			default:
			}
			err := r.call(ctx, "soan", http.MethodGet, "/sessions", "", nil, nil)
			return err == nil, err
		}); err != nil {
			r.wrong("%v", err)
		}
	}
	r.ask("agent", "hub")
}

func (r *run) ask(names ...string) {
	asked := map[string]*tracer.Process{}
	for _, name := range names {
		if p := r.proc(name); p != nil {
			p.Ask()
			asked[name] = p
		}
	}
	for name, p := range asked {
		select {
		case <-p.Done():
		case <-time.After(20 * time.Second):
			r.wrong("%s does not end when asked", name)
			p.Dump(5 * time.Second)
		}
		if err := p.Err(); err != nil && !r.refused(name) {
			r.wrong("%s: %v", name, err)
		}
	}
}

// refused says whether a program's disk is full, so that it ends badly.
func (r *run) refused(name string) bool {
	select {
	case <-r.ready:
		return false
	case <-r.hit:
		return r.fault.fate == tracer.Refuse && r.fault.program == name
	default:
		return false
	}
}
