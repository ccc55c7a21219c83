package fleet

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loa-vn/loa/agent/link"
	"golang.org/x/sync/errgroup"
)

// Config is what a fleet needs.
type Config struct {
	Seed    uint64
	Weather Weather
	// Began is when the weather began; zero is when the fleet starts to run. What is
	// over by then does not come again.
	Began   time.Time
	Devices []Device
	// Ahead is by how much all clocks are ahead of this machine's.
	Ahead time.Duration
	// MQTT replaces the broker's address of the enrolment; "" keeps it.
	MQTT string
	// Journal takes the truth.
	Journal *Journal
	// Timing and Jitter are the agents'; zero is their own.
	Timing   link.Timing
	Jitter   time.Duration
	Software string
	Log      *slog.Logger
}

// Fleet is many devices.
type Fleet struct {
	cfg      Config
	members  []*member
	failures atomic.Int64

	mu     sync.Mutex
	faults map[Kind]int
}

// New puts a fleet together; nothing runs yet. Only devices with a disk of their own
// have weather in which that is full.
func New(cfg Config) *Fleet {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Journal == nil {
		cfg.Journal = NewJournal(nil)
	}
	f := &Fleet{cfg: cfg, faults: map[Kind]int{}}
	for _, d := range cfg.Devices {
		f.members = append(f.members, newMember(f, d))
	}
	return f
}

// Run runs all devices in their weather until ctx ends. Devices go on when the
// weather is over.
func (f *Fleet) Run(ctx context.Context) error {
	began := f.cfg.Began
	if began.IsZero() {
		began = time.Now()
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, m := range f.members {
		g.Go(func() error { return m.run(ctx) })
		faults := f.cfg.Weather.Forecast(f.cfg.Seed, m.device.ID)
		g.Go(func() error { return m.suffer(ctx, faults, began) })
	}
	err := g.Wait()
	if err != nil {
		err = fmt.Errorf("fleet of seed %d: %w", f.cfg.Seed, err)
	}
	return err
}

// Seed is what the weather follows from.
func (f *Fleet) Seed() uint64 { return f.cfg.Seed }

// Size returns how many devices there are.
func (f *Fleet) Size() int { return len(f.members) }

// Report compares what a hub says with what the devices of this fleet did.
func (f *Fleet) Report(said []Said) (Report, error) {
	truth, err := f.cfg.Journal.Deeds()
	if err != nil {
		return Report{}, err
	}
	r := Compare(said, truth)
	r.Seed, r.Devices, r.Faults, r.Failures = f.cfg.Seed, len(f.members), f.Faults(), f.Failures()
	return r, nil
}

// some returns a share of the members, chosen by the seed.
func (f *Fleet) some(share float64) []*member {
	r := source(f.cfg.Seed, "")
	out := slices.Clone(f.members)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:int(share*float64(len(out))+0.5)]
}

// CutLines cuts the lines of a share of the devices, half of them without notice,
// and returns what mends them.
func (f *Fleet) CutLines(share float64) (mend func()) {
	cut := f.some(share)
	for i, m := range cut {
		f.counted(Cut)
		m.line.cut(i%2 == 1)
	}
	return func() {
		for _, m := range cut {
			m.line.mend()
		}
	}
}

// Storm breaks all connections at once; the devices come back together.
func (f *Fleet) Storm() {
	for _, m := range f.members {
		f.counted(Cut)
		m.line.cut(false)
	}
	for _, m := range f.members {
		m.line.mend()
	}
}

// RebootAll switches a share of the devices off and on again.
func (f *Fleet) RebootAll(share float64, pause time.Duration) {
	for _, m := range f.some(share) {
		f.counted(Reboot)
		m.reboot(pause)
	}
}

func (f *Fleet) counted(k Kind) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[k]++
}

// Faults returns how many there were of each kind.
func (f *Fleet) Faults() map[Kind]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.faults)
}

// Failures returns how often an agent ended by itself: it cannot start while its
// disk is full.
func (f *Fleet) Failures() int { return int(f.failures.Load()) }
