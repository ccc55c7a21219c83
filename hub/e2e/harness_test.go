package e2e

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/loa-vn/loa/agent"
	"github.com/loa-vn/loa/agent/amplifier"
	agentconfig "github.com/loa-vn/loa/agent/config"
	"github.com/loa-vn/loa/agent/display/outputs"
	"github.com/loa-vn/loa/agent/identity"
	"github.com/loa-vn/loa/agent/timesync"
	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/approval"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/signing"
	"github.com/loa-vn/loa/hub/studio/speech"
	"github.com/loa-vn/loa/hub/verify"
	"github.com/loa-vn/loa/protocol"
)

// The people and places of the tests: the demo's.
const (
	commune   protocol.UnitID = "xa-binh-an"
	password  string          = "mat khau dai va kho doan"
	registrar string          = "mat khau cua nguoi dang ky"
)

const villages = `id,code,name,kind,parent,valid_from,valid_until,people,source,counted
thon-dong,9900101,Thôn Đông,village,xa-binh-an,2025-07-01,,820,UBND xã (mẫu),2026-06-30
thon-doai,9900102,Thôn Đoài,village,xa-binh-an,2025-07-01,,610,UBND xã (mẫu),2026-06-30
thon-trung,9900103,Thôn Trung,village,xa-binh-an,2025-07-01,,470,UBND xã (mẫu),2026-06-30
`

// world is a hub with its people, and the agents of a test.
type world struct {
	*hub.Hub
	t      *testing.T
	config config.Config
	root   string
	roots  []string // files
	log    *logs
	pages  http.Handler  // the console, if a test looks at it
	engine speech.Engine // what speaks, if a test brings it
	run    context.CancelFunc
	ended  chan error
}

// logs keeps what was logged, for a failure and for looking for secrets.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logs) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// lightly are passwords that cost little to guess: at full cost they are most of the work
// of these tests. Full cost is tested with the commands, in hub/cmd/loa-hub.
func lightly() hub.Passwords {
	return hub.Passwords{
		Keys:   signing.Cost{Passes: 1, Memory: 8},
		Logins: argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32},
	}
}

// newWorld makes a hub with a commune of three villages and four people.
func newWorld(t *testing.T, with ...func(*config.Config)) *world {
	t.Helper()
	return newWorldOf(t, 1, 1, with...)
}

// newWorldOf is newWorld with several roots of which a threshold must sign.
func newWorldOf(t *testing.T, roots, threshold int, with ...func(*config.Config)) *world {
	t.Helper()
	w := initialisedOf(t, roots, threshold, with...)
	w.open()
	return w
}

// initialised makes a hub that does not run yet.
func initialised(t *testing.T, with ...func(*config.Config)) *world {
	t.Helper()
	return initialisedOf(t, 1, 1, with...)
}

func initialisedOf(t *testing.T, roots, threshold int, with ...func(*config.Config)) *world {
	t.Helper()
	return initialisedAt(t, registry.Unit{ID: commune, Code: "99001", Name: "Xã Bình An (mẫu)", Kind: registry.Commune, ValidFrom: "2025-07-01"}, roots, threshold, with...)
}

// initialisedAt is initialisedOf under another top unit.
func initialisedAt(t *testing.T, top registry.Unit, roots, threshold int, with ...func(*config.Config)) *world {
	t.Helper()
	dir := t.TempDir()
	c := config.Default()
	c.Data = filepath.Join(dir, "hub")
	c.Console.Listen, c.Enrol.Listen, c.MQTT.Listen = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	c.Drop.People = map[string]string{string(commune): "soan"}
	for _, f := range with {
		f(&c)
	}
	done, err := hub.Init(t.Context(), c, hub.InitOptions{
		RootOut: filepath.Join(dir, "root"), Roots: roots, Threshold: threshold, Admin: "quantri", AdminName: "Quản trị", Password: password,
		RegistrarPassword: registrar, RootPassword: "mat khau cua khoa goc", Passwords: lightly(),
		Unit: top,
	})
	must(t, err)
	return &world{t: t, config: c, root: done.RootFile, roots: done.RootFiles, log: &logs{}}
}

// open runs a new hub and brings in its villages and people.
func (w *world) open() {
	t := w.t
	t.Helper()
	w.start()
	t.Cleanup(func() {
		w.stop()
		if t.Failed() {
			t.Log(w.log.String())
		}
	})
	_, err := w.Registry.Import(t.Context(), strings.NewReader(villages), false, registrar, "quantri")
	must(t, err)
	w.quiet(commune, w.elsewhen()) // no test depends on the hour at which it runs
	for id, p := range map[protocol.PersonID]struct {
		name string
		role account.Role
	}{"soan": {"Nguyễn Thị Soạn", account.Editor}, "duyet1": {"Lê Văn Duyệt", account.Approver}, "duyet2": {"Lê Văn Duyệt", account.Approver}} { // two of one name
		must(t, w.Account.Add(t.Context(), account.NewPerson{
			ID: id, Name: p.name, Password: password, Grants: []account.Grant{{Unit: commune, Role: p.role}},
		}, registrar, "quantri"))
	}
}

// start runs the hub on its data; the ports stay the same after a restart.
func (w *world) start() {
	w.t.Helper()
	h, err := hub.New(w.t.Context(), w.config, hub.Options{Version: "test", Log: w.log.logger(), Console: w.pages, Engine: w.engine, Pictures: []string{os.Args[0], pictureChild}, Passwords: lightly()})
	must(w.t, err)
	w.Hub = h
	w.config.Enrol.Listen = h.EnrolAddr().String()
	if w.config.MQTT.Broker.URL == "" {
		w.config.MQTT.Listen = h.MQTTAddr().String()
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.run, w.ended = cancel, make(chan error, 1)
	go func() { w.ended <- h.Run(ctx) }()
}

func (w *world) stop() {
	w.t.Helper()
	if w.Hub == nil {
		return
	}
	w.run()
	must(w.t, errors.Join(<-w.ended, w.Hub.Close()))
	w.Hub = nil
}

// actor is a person as the API would know them.
func (w *world) actor(id protocol.PersonID) account.Actor {
	w.t.Helper()
	p, err := w.Account.Person(w.t.Context(), id)
	must(w.t, err)
	return account.Actor{Person: p.ID, Name: p.Name, Grants: p.Grants}
}

// device is an agent of a test.
type device struct {
	*agent.Agent
	t        *testing.T
	id       protocol.DeviceID
	config   agentconfig.Config
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	system   func() timesync.System // nil: a synchronised one
	recorder string                 // in arecord's place
	screen   outputs.Screen         // in the place of the kernel's
	speaker  []string               // command of the child that drives the sound card
	relay    amplifier.Line         // in the place of the amplifier's GPIO line
	cancel   context.CancelFunc
	ended    chan error
	log      *logs
}

// around is a period of the local day, from and to counted from now.
func (w *world) around(from, to time.Duration) protocol.Quiet {
	minute := func(d time.Duration) uint64 {
		t := time.Now().Add(d).In(w.Zone)
		return uint64(t.Hour()*60 + t.Minute())
	}
	return protocol.Quiet{Start: minute(from), End: minute(to)}
}

// elsewhen are quiet hours that are neither near now nor near the usual slots of 05:00
// and 17:00.
func (w *world) elsewhen() protocol.Quiet {
	const day, slot, near = 24 * 60, 12 * 60, 20
	q := w.around(10*time.Hour, 12*time.Hour)
	// From twenty minutes before them, for a sound may take that long, to their end.
	if to := (5*60 + day - q.Start + near) % slot; to <= 2*60+2*near {
		return w.around(7*time.Hour, 9*time.Hour)
	}
	return q
}

// quiet sets a unit's quiet hours and publishes them, as the API does: until devices have
// them those of a new unit hold, and tests would wait for the morning.
func (w *world) quiet(unit protocol.UnitID, q protocol.Quiet) {
	w.t.Helper()
	must(w.t, w.Registry.SetQuiet(w.t.Context(), unit, []protocol.Quiet{q}, "quantri"))
	must(w.t, w.Publisher.Publish(w.t.Context(), []protocol.UnitID{unit}))
}

// in returns the world for a subtest.
func (w *world) in(t *testing.T) *world {
	c := *w
	c.t = t
	return &c
}

// device adds a device to the hub, enrols it over TLS, and runs its agent.
func (w *world) device(n registry.NewDevice, with ...func(*device)) *device {
	w.t.Helper()
	d := w.enrolled(n)
	for _, f := range with {
		f(d)
	}
	d.start()
	w.t.Cleanup(d.stop)
	return d
}

// enrolled is a device whose agent does not run yet.
func (w *world) enrolled(n registry.NewDevice) *device {
	w.t.Helper()
	_, err := w.Registry.AddDevice(w.t.Context(), n, registrar, "quantri")
	must(w.t, err)
	claim, err := w.Base.Enrol.Claim(w.t.Context(), n.ID, "quantri")
	must(w.t, err)
	d := w.unenrolled(n)
	w.until(string(n.ID)+" enrols", func() bool { // more than a burst of one address wait their turn
		_, err = identity.Enrol(w.t.Context(), "https://localhost:"+port(w.EnrolAddr()), claim.Text, filepath.Join(d.config.Data, "identity"))
		return !errors.Is(err, identity.ErrBusy)
	})
	must(w.t, err)
	return d
}

// unenrolled is a device as it comes out of its box.
func (w *world) unenrolled(n registry.NewDevice) *device {
	w.t.Helper()
	d := &device{t: w.t, id: n.ID, log: w.log}
	d.config.Settings = agentconfig.Default()
	d.config.Data = filepath.Join(w.t.TempDir(), string(n.ID))
	d.config.Profile = agentconfig.Profile{Name: "test", Volume: agentconfig.Volume{Ceiling: 100}}
	if n.Sound {
		d.config.Profile.Sound = &agentconfig.Sound{Driver: "wav", Card: "out/sound", Rate: 48000}
	}
	if n.Board != nil {
		d.config.Profile.Board = &agentconfig.Board{
			Width: int(n.Board.Width), Height: int(n.Board.Height), Row: int(n.Board.Row), Output: "png:out/board",
			Brightness: agentconfig.Brightness{Percent: 100},
		}
	}
	return d
}

func port(a net.Addr) string {
	_, p, err := net.SplitHostPort(a.String())
	if err != nil {
		return ""
	}
	return p
}

func (d *device) start() {
	d.t.Helper()
	system := d.system
	if system == nil {
		system = func() timesync.System { return timesync.System{Synchronised: true} }
	}
	a, err := agent.New(d.config, agent.Options{
		Software: "test", Log: d.log.logger().With("device", d.id), Jitter: time.Millisecond, Dial: d.dial, System: system, Speaker: d.speaker, Recorder: d.recorder, Relay: d.relay, Screen: d.screen,
	})
	must(d.t, err)
	d.Agent = a
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel, d.ended = cancel, make(chan error, 1)
	go func() { d.ended <- errors.Join(a.Run(ctx), a.Close()) }()
}

func (d *device) stop() {
	d.t.Helper()
	if d.Agent == nil {
		return
	}
	d.cancel()
	must(d.t, <-d.ended)
	d.Agent = nil
}

// wavs returns the files of sound that the device wrote for an airing, in order.
func (d *device) wavs(airing protocol.AiringID) []string {
	d.t.Helper()
	files, err := filepath.Glob(filepath.Join(d.config.Data, "out/sound", string(airing)+"-*.wav"))
	must(d.t, err)
	changed := map[string]time.Time{}
	for _, f := range files {
		info, err := os.Stat(f)
		must(d.t, err)
		changed[f] = info.ModTime()
	}
	slices.SortFunc(files, func(a, b string) int { return changed[a].Compare(changed[b]) })
	return files
}

// ready writes a bulletin and waits for its sound.
func (w *world) ready(c bulletin.Content) bulletin.Bulletin {
	w.t.Helper()
	if c.Unit == "" {
		c.Unit = commune
	}
	if c.Class == 0 {
		c.Class = protocol.ClassNormal
	}
	b, err := w.Bulletins.Create(w.t.Context(), w.actor("soan"), c, bulletin.FromText)
	must(w.t, err)
	w.until("the sound is made", func() bool {
		b, err = w.Bulletins.Get(w.t.Context(), w.actor("soan"), b.ID)
		must(w.t, err)
		return b.State != bulletin.Preparing
	})
	if b.State != bulletin.Ready {
		w.t.Fatalf("bulletin is %s: %s", b.State, b.Problem)
	}
	return b
}

// air submits a bulletin and has it approved by these people.
func (w *world) air(b bulletin.Bulletin, wish bulletin.Wish, by ...protocol.PersonID) approval.Request {
	w.t.Helper()
	if len(wish.Units) == 0 {
		wish.Units = []protocol.UnitID{commune}
	}
	r, err := w.Approvals.Submit(w.t.Context(), w.actor("soan"), b.ID, wish)
	must(w.t, err)
	for _, p := range by {
		r, err = w.Approvals.Approve(w.t.Context(), w.actor(p), r.Digest, password)
		must(w.t, err)
	}
	return r
}

func (w *world) report(b bulletin.Bulletin) reach.Report {
	w.t.Helper()
	r, err := w.Reach.Bulletin(w.t.Context(), w.actor("soan"), b.ID)
	must(w.t, err)
	return r
}

// settled waits until every expected occurrence of a bulletin has its outcome.
func (w *world) settled(b bulletin.Bulletin, expected int) reach.Report {
	w.t.Helper()
	var r reach.Report
	w.until("every occurrence has its outcome", func() bool {
		r = w.report(b)
		return r.Count.Expected >= expected && r.Count.Ahead+r.Count.Unknown == 0
	})
	return r
}

// verified checks the hub's figures from signed material alone.
func (w *world) verified() verify.Report {
	w.t.Helper()
	devices, err := w.Registry.Devices(w.t.Context())
	must(w.t, err)
	m, err := w.DB.Material(w.t.Context(), devices, reach.Media)
	must(w.t, err)
	m.Roots, m.Zone, m.Now = w.FirstRoots, w.Zone, time.Now()
	m.Document = func(d protocol.Digest) ([]byte, error) { return w.Blobs.Read(d, protocol.MaxBulletin) }
	return verify.Check(m)
}

// patience is how long a test waits for what nothing promises by the clock: it ends a
// wait for what never comes, on the slowest machine. What is promised in seconds is in
// make bench, or asked for by within.
const patience = 3 * time.Minute

func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	w.within(patience, what, ok)
}

// within waits for a condition, and looks the less often the longer it has waited: many
// conditions read a whole hub, and other tests run beside.
func (w *world) within(limit time.Duration, what string, ok func() bool) {
	w.t.Helper()
	began := time.Now()
	for !ok() {
		waited := time.Since(began)
		if waited > limit {
			w.t.Fatalf("not within %s: %s", limit, what)
		}
		<-time.After(min(max(waited/8, 20*time.Millisecond), 250*time.Millisecond))
	}
}

func (w *world) online(ds ...*device) {
	w.t.Helper()
	for _, d := range ds {
		w.until(string(d.id)+" is online", func() bool {
			s, err := w.Registry.State(w.t.Context(), d.id)
			return err == nil && s.Online
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func readAll(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	b, err := io.ReadAll(f)
	must(t, errors.Join(err, f.Close()))
	return b
}
