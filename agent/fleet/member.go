package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loa-vn/loa/agent"
	"github.com/loa-vn/loa/agent/config"
	"github.com/loa-vn/loa/agent/playout"
	"github.com/loa-vn/loa/agent/timesync"
	"github.com/loa-vn/loa/protocol"
)

// Device is a device that is enrolled: its identity stands in Data/identity.
type Device struct {
	ID    protocol.DeviceID `json:"id"`
	Data  string            `json:"data"`
	Sound bool              `json:"sound"`
	Board *protocol.Display `json:"board,omitempty"`
	// Disk is where a disk of its own is mounted, on which Data lies; "" for none:
	// then it is never full.
	Disk string `json:"disk,omitempty"`
}

// retryAfter is how long a device is off whose agent failed.
const retryAfter = 2 * time.Second

// member is one device of a fleet.
type member struct {
	device Device
	fleet  *Fleet
	line   *line
	log    *slog.Logger
	ahead  atomic.Int64 // of its clock, ns

	mu      sync.Mutex
	agent   *agent.Agent // nil while it is off
	off     context.CancelFunc
	outputs []*output
	boot    time.Duration // how long it stays off
	boots   int
}

func newMember(f *Fleet, d Device) *member {
	return &member{
		device: d, fleet: f, log: f.cfg.Log.With("device", string(d.ID)),
		line: newLine(rand.New(rand.NewPCG(f.cfg.Seed, source(f.cfg.Seed, d.ID).Uint64()))),
	}
}

// run keeps the device's agent running until ctx ends.
func (m *member) run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := m.live(ctx)
		m.mu.Lock()
		pause := m.boot
		m.boot = 0
		m.mu.Unlock()
		if err != nil && ctx.Err() == nil {
			// A device whose disk is full cannot start: it tries again, as its
			// service manager would.
			m.log.Warn("agent failed", "error", err)
			m.fleet.failures.Add(1)
			pause = max(pause, retryAfter)
		}
		sleep(ctx, pause)
	}
	return nil
}

// live is one life of the agent, from power on to power off.
func (m *member) live(ctx context.Context) error {
	ctx, off := context.WithCancel(ctx)
	defer off()
	var outputs []*output
	cfg := config.Config{Settings: config.Default(), Profile: config.Profile{Name: "fleet", Volume: config.Volume{Ceiling: 100}}}
	cfg.Data, cfg.MQTT = m.device.Data, m.fleet.cfg.MQTT
	if m.device.Sound {
		cfg.Profile.Sound = &config.Sound{Driver: "null", Rate: protocol.SoundRate}
	}
	if b := m.device.Board; b != nil {
		cfg.Profile.Board = &config.Board{Width: int(b.Width), Height: int(b.Height), Row: int(b.Row), Output: "pretended"}
	}
	a, err := agent.New(cfg, agent.Options{
		Software: m.fleet.cfg.Software, Log: m.log, Dial: m.line.Dial, Timing: m.fleet.cfg.Timing, Jitter: m.fleet.cfg.Jitter, System: m.system,
		Output: func(medium protocol.Medium, sounds playout.Sounds) agent.Output {
			o := newOutput(m.device.ID, medium, sounds, m.fleet.cfg.Journal)
			outputs = append(outputs, o)
			return o
		},
	})
	if err != nil {
		return fmt.Errorf("start %s: %w", m.device.ID, err)
	}
	m.mu.Lock()
	m.agent, m.off, m.outputs = a, off, outputs
	m.boots++
	m.mu.Unlock()
	err = errors.Join(a.Run(ctx), a.Close())
	m.mu.Lock()
	m.agent, m.off, m.outputs = nil, nil, nil
	m.mu.Unlock()
	if err != nil {
		return fmt.Errorf("run %s: %w", m.device.ID, err)
	}
	return nil
}

// system is what the device's system says of its clock. One that is ahead or behind
// says how wrong it may be, as NTP does.
func (m *member) system() timesync.System {
	ahead := time.Duration(m.ahead.Load())
	return timesync.System{Synchronised: true, Ahead: m.fleet.cfg.Ahead + ahead, MaxError: ahead.Abs() + 10*time.Millisecond}
}

// reboot takes the power away and gives it back after a while: the line breaks and
// the outputs fall silent before the agent hears of it.
func (m *member) reboot(pause time.Duration) {
	m.line.cut(false)
	m.mu.Lock()
	off, outputs := m.off, m.outputs
	m.boot = pause
	m.mu.Unlock()
	for _, o := range outputs {
		o.cutPower()
	}
	if off != nil {
		off()
	}
	m.line.mend()
}

// suffer lets the device's faults come over it, until they are over or ctx ends.
func (m *member) suffer(ctx context.Context, faults []Fault, began time.Time) error {
	for _, f := range faults {
		if f.Kind == Disk && m.device.Disk == "" || time.Since(began) > f.At+f.For {
			continue
		}
		if !sleep(ctx, time.Until(began.Add(f.At))) {
			return nil
		}
		m.fleet.counted(f.Kind)
		m.log.Debug("fault", "kind", f.Kind, "for", f.For)
		if err := m.under(ctx, f); err != nil {
			return fmt.Errorf("%s of %s: %w", f.Kind, m.device.ID, err)
		}
	}
	return nil
}

// under is one fault from its beginning to its end.
func (m *member) under(ctx context.Context, f Fault) error {
	switch f.Kind {
	case Loss, Delay, Slow:
		m.line.set(f)
		sleep(ctx, f.For)
		m.line.set(Fault{})
	case Cut:
		m.line.cut(f.Silent)
		sleep(ctx, f.For)
		m.line.mend()
	case Reboot:
		m.reboot(f.For)
		sleep(ctx, f.For)
	case Skew:
		m.ahead.Store(int64(f.Ahead))
		sleep(ctx, f.For)
		m.ahead.Store(0)
	case Disk:
		if err := disk(m.device.Disk).fill(); err != nil {
			return err
		}
		sleep(ctx, f.For)
		return disk(m.device.Disk).free()
	}
	return nil
}

// sleep waits, and says whether ctx goes on.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
