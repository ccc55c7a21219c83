// Package health says how a device is: the heartbeat every 30 s and whenever
// something changed, with what is held, what is missing and what is wrong. It
// repairs nothing and decides nothing.
package health

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/agent/timesync"
	"github.com/loa-vn/loa/protocol"
)

// Period is the longest time between two heartbeats.
const Period = 30 * time.Second

// gather is how long changes are gathered into one heartbeat.
const gather = 500 * time.Millisecond

// Facts is what a heartbeat is made of.
type Facts struct {
	Device     protocol.DeviceID
	Connection uint64
	Clock      timesync.Reading
	Holdings   inbox.Holdings
	Missing    int
	Free       uint64
	Needs      uint64 // bytes of storage that missing content will take
	Chain      protocol.ChainState
	Features   []string
	Board      *protocol.Display
	Whole      *protocol.Display // nil if that is Board
	Zones      []protocol.ZoneSize
	Keyed      []protocol.Keyed
	Software   string
	Config     protocol.Digest
	On         On
	Light      int                  // the board's brightness, per cent; 0 is not known
	Tone       *protocol.ToneResult // of the last test tone
	Faults     []string
}

// On is what sounds or is shown; nothing without an airing.
type On struct {
	Airing protocol.AiringID
	Volume int           // of sound, per cent
	Begin  time.Time     // by the local clock: when its beginning sounded, or would have
	Length time.Duration // of the whole
}

// progress is how far it is now; nil if nothing is on.
func (o On) progress() *protocol.Progress {
	length := protocol.MillisOf(o.Length)
	if o.Airing == "" || length <= 0 {
		return nil
	}
	at := min(max(protocol.MillisOf(time.Since(o.Begin)), 0), length)
	return &protocol.Progress{Position: at, Length: length, Volume: uint64(max(o.Volume, 0))}
}

// Build returns the heartbeat of these facts, within the limits of the wire.
func Build(f Facts) protocol.Heartbeat {
	return protocol.Heartbeat{
		Version: protocol.Version, Device: f.Device, Connection: f.Connection, Online: true,
		At: f.Clock.Instant(), Plans: f.Holdings.Plans, Lists: first(f.Holdings.Lists, 128),
		Placement: f.Holdings.Placement, Features: f.Features, Board: f.Board,
		ClockSure: f.Clock.Sure, Uncertainty: protocol.MillisOf(f.Clock.Uncertainty), Muted: f.Holdings.Muted,
		Missing: uint64(max(0, f.Missing)), Free: f.Free, Unacked: f.Chain.Seq - f.Chain.Acked, Software: f.Software,
		Config: f.Config, Playing: f.On.Airing, Progress: f.On.progress(), Tone: f.Tone, Faults: first(f.Faults, 16), Stops: first(f.Holdings.Stops, 128),
		Chain: chain(f.Chain), Needs: f.Needs, Whole: f.Whole, Zones: f.Zones, Keyed: f.Keyed, Light: uint64(max(f.Light, 0)),
	}
}

// chain leaves out what could not be read.
func chain(c protocol.ChainState) *protocol.ChainState {
	if c.Validate() != nil {
		return nil
	}
	return &c
}

// Reserve is how many bytes of storage stay free for receipts and plans: with
// less than that beside what is to come, there is too little room.
const Reserve = 32 << 20

// Short says whether there is too little room for what is still to come.
func Short(free, needs uint64) bool { return free < needs+Reserve }

func first[T any](list []T, n int) []T { return list[:min(n, len(list))] }

// Will is the heartbeat that says that a connection has ended.
func Will(device protocol.DeviceID, connection uint64, at protocol.Instant) ([]byte, error) {
	return protocol.Marshal(protocol.Heartbeat{
		Version: protocol.Version, Device: device, Connection: connection, At: at,
	})
}

// Config is what a reporter needs.
type Config struct {
	// Facts gathers everything but Connection, On, Tone and Faults.
	Facts func() Facts
	// Send publishes on d/{device}/state.
	Send func(ctx context.Context, heartbeat []byte) error
	Log  *slog.Logger
}

// Reporter sends heartbeats. It is safe for concurrent use.
type Reporter struct {
	cfg  Config
	wake chan struct{}

	mu         sync.Mutex
	connection uint64
	on         map[part]On
	tone       *protocol.ToneResult
	faults     map[string]bool
}

// New returns a reporter that sends nothing before Run.
func New(cfg Config) *Reporter {
	return &Reporter{cfg: cfg, wake: make(chan struct{}, 1), on: map[part]On{}, faults: map[string]bool{}}
}

// Changed asks for a heartbeat soon. It returns at once.
func (r *Reporter) Changed() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Connected says that a connection of this number is up.
func (r *Reporter) Connected(number uint64) {
	r.mu.Lock()
	r.connection = number
	r.mu.Unlock()
	r.Changed()
}

// Disconnected says that there is no connection.
func (r *Reporter) Disconnected() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.connection = 0
}

// part is a medium, or a part of a board.
type part struct {
	medium protocol.Medium
	zone   string
}

// Playing says what is on of a medium, or of a part of a board. Heartbeats tell of the
// sound first, then of where bulletins stand.
func (r *Reporter) Playing(m protocol.Medium, zone string, on On) {
	p := part{m, zone}
	r.mu.Lock()
	changed := r.on[p].Airing != on.Airing
	r.on[p] = on
	r.mu.Unlock()
	if changed {
		r.Changed()
	}
}

// Toned says what became of a test tone.
func (r *Reporter) Toned(t protocol.ToneResult) {
	r.mu.Lock()
	r.tone = &t
	r.mu.Unlock()
	r.Changed()
}

// Fault raises or clears a fault: "sound", "board", "storage" (it
// failed), "space" (it is too small), "clock", "config".
func (r *Reporter) Fault(name string, on bool) {
	r.mu.Lock()
	changed := r.faults[name] != on
	if on {
		r.faults[name] = true
	} else {
		delete(r.faults, name)
	}
	r.mu.Unlock()
	if changed {
		r.cfg.Log.Info("fault", "name", name, "on", on)
		r.Changed()
	}
}

// Faults returns what is wrong now, in alphabetical order.
func (r *Reporter) Faults() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for name := range r.faults {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Heartbeat returns the encoded heartbeat of now.
func (r *Reporter) Heartbeat() ([]byte, error) {
	f := r.cfg.Facts()
	f.Faults = r.Faults()
	r.mu.Lock()
	f.Connection, f.Tone = r.connection, r.tone
	for _, p := range []part{{medium: protocol.MediumSound}, {medium: protocol.MediumBoard}, {protocol.MediumBoard, protocol.ZoneHeader}, {protocol.MediumBoard, protocol.ZoneTicker}} {
		if f.On = r.on[p]; f.On.Airing != "" {
			break
		}
	}
	r.mu.Unlock()
	b, err := protocol.Marshal(Build(f))
	if err != nil {
		return nil, fmt.Errorf("heartbeat: %w", err)
	}
	return b, nil
}

// Run sends heartbeats while a connection is up, until ctx ends.
func (r *Reporter) Run(ctx context.Context) error {
	timer := time.NewTimer(Period)
	defer timer.Stop()
	var soon <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
			if soon == nil {
				soon = time.After(gather)
			}
			continue
		case <-soon:
		case <-timer.C:
		}
		soon = nil
		timer.Reset(Period)
		r.send(ctx)
	}
}

func (r *Reporter) send(ctx context.Context) {
	r.mu.Lock()
	up := r.connection != 0
	r.mu.Unlock()
	if !up {
		return
	}
	b, err := r.Heartbeat()
	if err != nil {
		r.cfg.Log.Error("no heartbeat", "error", err)
		return
	}
	if err := r.cfg.Send(ctx, b); err != nil && ctx.Err() == nil {
		r.cfg.Log.Debug("heartbeat did not leave", "error", err)
	}
}
