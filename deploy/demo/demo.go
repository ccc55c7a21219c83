package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// demo is one run.
type demo struct {
	opt      options
	scr      *screen
	dir      string // the run's own folder
	lock     *os.File
	hubBin   string
	agentBin string
	zone     *time.Location
	ports    ports
	listens  time.Time // when the hub's API answered first

	mu      sync.Mutex
	procs   map[string]*process
	proxies map[string]*proxy
	claims  map[string]string
	watch   watched

	soan, duyet1, duyet2, program *caller
	items                         []*item
	list                          []wanted
}

// newDemo finds the programs and makes the run's folder. Folders of earlier runs
// that nobody uses any more are removed.
func newDemo(o options, scr *screen) (*demo, error) {
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		return nil, err
	}
	d := &demo{opt: o, scr: scr, zone: zone, procs: map[string]*process{}, proxies: map[string]*proxy{}, claims: map[string]string{}}
	for name, to := range map[string]*string{"loa-hub": &d.hubBin, "loa-agent": &d.agentBin} {
		if *to, err = filepath.Abs(filepath.Join(o.bin, name)); err != nil {
			return nil, err
		}
		if _, err := os.Stat(*to); err != nil {
			return nil, fmt.Errorf("%s is missing: run make build first", *to)
		}
	}
	data, err := filepath.Abs(o.data)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(data, 0o755); err != nil {
		return nil, err
	}
	old, err := filepath.Glob(filepath.Join(data, "run-*"))
	if err != nil {
		return nil, err
	}
	for _, run := range old {
		if f, err := hold(run); err == nil {
			if err := errors.Join(os.RemoveAll(run), f.Close()); err != nil {
				return nil, err
			}
		}
	}
	if d.dir, err = os.MkdirTemp(data, "run-"); err != nil {
		return nil, err
	}
	if err := os.Mkdir(d.logs(), 0o700); err != nil {
		return nil, err
	}
	d.lock, err = hold(d.dir)
	return d, err
}

// hold locks a run's folder for as long as the file is open.
func hold(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (d *demo) logs() string { return filepath.Join(d.dir, "logs") }

func (d *demo) path(parts ...string) string {
	return filepath.Join(append([]string{d.dir}, parts...)...)
}

// hub runs a command of loa-hub.
func (d *demo) hub(ctx context.Context, args ...string) ([]byte, error) {
	return command(ctx, nil, nil, d.hubBin, append([]string{"--config", d.path("hub.yaml")}, args...)...)
}

// freePorts finds ports that are free now.
func freePorts(n int) ([]int, error) {
	var out []int
	var held []net.Listener
	defer func() {
		for _, l := range held {
			_ = l.Close()
		}
	}()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		held = append(held, l)
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out, nil
}

// found makes the hub: keys, commune, people, devices.
func (d *demo) found(ctx context.Context) error {
	d.scr.title("Dựng trung tâm và năm thiết bị", "Setting up a hub and five devices")
	free, err := freePorts(3)
	if err != nil {
		return err
	}
	d.ports = ports{free[0], free[1], free[2]}
	files := map[string]string{"hub.yaml": hubYAML(d.path("hub"), d.ports), "units.csv": unitsCSV(), "pw-" + admin().id: admin().password + "\n"}
	for _, p := range people() {
		files["pw-"+p.id] = p.password + "\n"
	}
	if err := write(d.dir, files); err != nil {
		return err
	}
	registrar := []string{"--registrar-password-file", d.path("pw-" + admin().id)}
	if _, err := d.hub(ctx, "init", "--root-out", d.path("root"), "--unit-name", communeName, "--unit-code", communeCode, "--unit-id", communeID,
		"--admin", admin().id, "--name", admin().name, "--password-file", d.path("pw-"+admin().id)); err != nil {
		return err
	}
	if _, err := d.hub(ctx, append([]string{"unit", "import", d.path("units.csv")}, registrar...)...); err != nil {
		return err
	}
	quiet := quietHours(time.Now().In(d.zone))
	if _, err := d.hub(ctx, "unit", "quiet", communeID, quiet); err != nil {
		return err
	}
	d.scr.say(communeName+", mã "+communeCode+", 3 thôn, 1.900 dân", "a commune of three villages, 1,900 people")
	d.scr.say("Giờ yên tĩnh "+quiet+" (mười giờ nữa mới đến)", "quiet hours begin ten hours from now")
	for _, p := range people() {
		if _, err := d.hub(ctx, append([]string{
			"user", "add", "--id", p.id, "--name", p.name, "--role", p.role, "--unit", communeID,
			"--password-file", d.path("pw-" + p.id),
		}, registrar...)...); err != nil {
			return err
		}
	}
	d.scr.say("Người soạn: soan; người duyệt: duyet1, duyet2", "one editor, two approvers")
	for _, v := range devices() {
		if err := d.addDevice(ctx, v, registrar); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) addDevice(ctx context.Context, v device, registrar []string) error {
	args := append([]string{"device", "add", "--id", v.id, "--name", v.name, "--unit", v.unit, "--serves", v.serves}, registrar...)
	if v.driver != "" {
		args = append(args, "--sound")
	}
	if v.board != nil {
		args = append(args, "--board", fmt.Sprintf("%dx%dx%d", v.board.width, v.board.height, v.board.row))
	}
	out, err := d.hub(ctx, args...)
	if err != nil {
		return err
	}
	claim := regexp.MustCompile(`loa1\.[A-Z0-9.]+`).FindString(string(out))
	if claim == "" {
		return fmt.Errorf("device add %s printed no claim", v.id)
	}
	d.claims[v.id] = claim
	return nil
}

// serve starts the hub and waits until its API answers.
func (d *demo) serve(ctx context.Context) error {
	if err := d.start("loa-hub", nil, d.hubBin, "--config", d.path("hub.yaml"), "serve"); err != nil {
		return err
	}
	base := fmt.Sprintf("http://127.0.0.1:%d/api/v1", d.ports.console)
	for i, to := range []**caller{&d.soan, &d.duyet1, &d.duyet2} {
		c, err := newCaller(base)
		if err != nil {
			return err
		}
		if *to = c; i > 0 {
			if err := c.logIn(ctx, people()[i]); err != nil {
				return err
			}
			continue
		}
		if err := d.until(ctx, 20*time.Second, "the hub answers", func() (bool, error) {
			err := c.logIn(ctx, people()[i])
			if errors.Is(err, errRefused) {
				return false, err
			}
			return err == nil, nil
		}); err != nil {
			return err
		}
		d.listens = time.Now()
		d.scr.say(fmt.Sprintf("Trung tâm đang chạy ở cổng %d (web), %d (đăng ký), %d (MQTT)", d.ports.console, d.ports.enrol, d.ports.mqtt), "the hub listens")
	}
	return nil
}

// start starts a program under a name, with a log of that name.
func (d *demo) start(name string, env []string, path string, args ...string) error {
	p, err := start(name, filepath.Join(d.logs(), name+".log"), env, path, args...)
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.procs[name] = p
	d.mu.Unlock()
	return nil
}

func (d *demo) proc(name string) *process {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.procs[name]
}

// card starts the paced sound card and returns the environment that leads to it.
func (d *demo) card(ctx context.Context) ([]string, error) {
	if err := d.start("card", nil, d.agentBin, "cardtest", "--config-dir", d.path("card"), "--out", d.cardFile()); err != nil {
		return nil, err
	}
	conf := d.path("card", "asound.conf")
	return []string{"ALSA_CONFIG_PATH=" + conf}, d.until(ctx, 10*time.Second, "the sound card is there", func() (bool, error) {
		b, err := os.ReadFile(filepath.Join(d.logs(), "card.log"))
		return strings.Contains(string(b), conf), err
	})
}

func (d *demo) cardFile() string { return d.path("card.wav") }

// enrol makes the devices known to the hub and starts them.
func (d *demo) enrol(ctx context.Context) error {
	if _, err := d.card(ctx); err != nil {
		return err
	}
	for _, v := range devices() {
		port := d.ports.mqtt
		if v.id == cutOff {
			p, err := newProxy(fmt.Sprintf("127.0.0.1:%d", d.ports.mqtt))
			if err != nil {
				return err
			}
			d.proxies[v.id] = p
			port = p.port()
		}
		if err := write(d.dir, map[string]string{v.id + ".yaml": v.agentYAML(d.dir, port), v.id + ".profile.yaml": v.profileYAML()}); err != nil {
			return err
		}
		if _, err := command(ctx, nil, nil, d.agentBin, "--config", d.path(v.id+".yaml"), "enrol",
			"--hub", fmt.Sprintf("https://localhost:%d", d.ports.enrol), "--claim", d.claims[v.id]); err != nil {
			return err
		}
		if err := d.runAgent(v); err != nil {
			return err
		}
		d.scr.say("Đã đăng ký "+v.id+": "+v.name, "enrolled, running")
	}
	return d.until(ctx, 30*time.Second, "all devices are online", func() (bool, error) {
		list, err := get[[]deviceBody](ctx, d.soan, "/devices")
		online := 0
		for _, b := range list {
			if b.State == "online" {
				online++
			}
		}
		return online == len(devices()), err
	})
}

// runAgent starts a device's agent.
func (d *demo) runAgent(v device) error {
	var env []string
	if v.driver == "oto" {
		env = []string{"ALSA_CONFIG_PATH=" + d.path("card", "asound.conf")}
	}
	return d.start(v.id, env, d.agentBin, "--config", d.path(v.id+".yaml"), "run")
}

// until waits for a condition, looking four times a second. It fails when a
// process has died meanwhile.
func (d *demo) until(ctx context.Context, most time.Duration, what string, ok func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := ok()
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("waited %s in vain until %s: %w", most, what, ctx.Err())
		case err != nil:
			return fmt.Errorf("until %s: %w", what, err)
		case done:
			return nil
		}
		if name := d.dead(); name != "" {
			return fmt.Errorf("%s ended by itself", name)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// at waits for an instant.
func (d *demo) at(ctx context.Context, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// dead names a process that ended though nobody asked it to.
func (d *demo) dead() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, p := range d.procs {
		if p.died() {
			return name
		}
	}
	return ""
}

// stay keeps everything running until ctx ends.
func (d *demo) stay(ctx context.Context) {
	<-ctx.Done()
	d.scr.text("", "Đang dừng… / stopping")
}

// end ends everything that was started: devices first, the hub last.
func (d *demo) end() {
	d.mu.Lock()
	procs := d.procs
	d.procs = map[string]*process{}
	d.mu.Unlock()
	var work sync.WaitGroup
	for name, p := range procs {
		if name != "loa-hub" {
			work.Go(p.end)
		}
	}
	work.Wait()
	for _, p := range d.proxies {
		p.Close()
	}
	if p := procs["loa-hub"]; p != nil {
		p.end()
	}
	_ = d.lock.Close() // the folder may go with the next run
}
