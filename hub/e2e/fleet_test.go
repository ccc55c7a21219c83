package e2e

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/fleet"
	"github.com/loa-vn/loa/agent/link"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"golang.org/x/sync/errgroup"
)

// soakEnv lets the long tests run.
const soakEnv = "LOA_SOAK"

func soak(t *testing.T) {
	t.Helper()
	if os.Getenv(soakEnv) == "" {
		t.Skip("takes minutes: set " + soakEnv + "=1")
	}
}

// seed is chance for a fleet's weather: LOA_SEED, to play a failure again, or a new
// one. It stands in every message.
func seed(t *testing.T) uint64 {
	t.Helper()
	if text := os.Getenv("LOA_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		must(t, err)
		return n
	}
	n, err := rand.Int(rand.Reader, big.NewInt(1<<32))
	must(t, err)
	return n.Uint64()
}

// crew is a fleet in the world of a test.
type crew struct {
	*fleet.Fleet
	w     *world
	hub   *fleet.Hub // as an official sees it
	since time.Time
	truth *fleet.Journal
	stop  func()
}

// enlist puts n devices into the registry, half of them in each of two villages,
// every tenth with a board as well, and enrols them over TLS.
func (w *world) enlist(n int) []fleet.Device {
	w.t.Helper()
	signer, err := w.Registry.Registrar(w.t.Context(), registrar, commune)
	must(w.t, err)
	dir := w.t.TempDir()
	// In memory, if it can be: one disk is no measure for the disks of many devices.
	if shm, err := os.MkdirTemp("/dev/shm", "loa-fleet-"); err == nil {
		dir = shm
		w.t.Cleanup(func() { must(w.t, os.RemoveAll(shm)) })
	}
	devices := make([]fleet.Device, n)
	g := errgroup.Group{}
	g.SetLimit(8)
	for i := range n {
		unit := protocol.UnitID("thon-dong")
		if i%2 == 1 {
			unit = "thon-doai"
		}
		d := registry.Device{ID: protocol.DeviceID(fmt.Sprintf("loa-%04d", i)), Unit: unit, Sound: true, Created: time.Now()}
		d.Name = string(d.ID)
		if i%10 == 0 {
			d.Board = &protocol.Display{Width: 192, Height: 32, Row: 16}
		}
		w.register(signer, d)
		claim, err := w.Base.Enrol.Claim(w.t.Context(), d.ID, "quantri")
		must(w.t, err)
		devices[i] = fleet.Device{ID: d.ID, Data: filepath.Join(dir, string(d.ID)), Sound: true, Board: d.Board}
		g.Go(func() error {
			return fleet.Enrol(w.t.Context(), "https://localhost:"+port(w.EnrolAddr()), claim.Text, devices[i].Data, i)
		})
	}
	must(w.t, g.Wait())
	return devices
}

// register puts a device into the registry: by the registrar's password it would
// take a second each.
func (w *world) register(signer *envelope.Signer, d registry.Device) {
	w.t.Helper()
	placement := protocol.Placement{
		Version: protocol.Version, Device: d.ID, Number: uint64(d.Created.UnixMilli()), From: protocol.InstantOf(d.Created),
		Path: []protocol.UnitID{commune, d.Unit}, Name: d.Name, Media: []protocol.Medium{protocol.MediumSound},
	}
	if d.Board != nil {
		placement.Media = append(placement.Media, protocol.MediumBoard)
	}
	doc, err := registry.SealDocument(signer, envelope.KindPlacement, string(d.ID), placement.Number, &placement, d.Created)
	must(w.t, err)
	must(w.t, w.DB.Registry().AddDevice(w.t.Context(), d, doc, audit.Act{By: "quantri", At: d.Created, Name: "device added", Subject: string(d.ID), Unit: d.Unit}))
}

// impatient is for tests that do not wait half a minute for a line to be found dead.
func impatient() link.Timing {
	return link.Timing{
		KeepAlive: 2 * time.Second, Connect: 3 * time.Second, Ack: 2 * time.Second,
		BackoffFirst: 100 * time.Millisecond, BackoffMost: time.Second, Settled: time.Second,
	}
}

// crew runs a fleet of these devices until the test ends, or stop is called.
func (w *world) crew(cfg fleet.Config) *crew {
	w.t.Helper()
	if cfg.Journal == nil {
		cfg.Journal = fleet.NewJournal(nil)
	}
	cfg.Software = "test"
	cfg.Log = w.log.logger()
	cfg.MQTT = "tls://localhost:" + port(w.MQTTAddr())
	f := fleet.New(cfg)
	w.t.Logf("seed %d, %d devices", cfg.Seed, len(cfg.Devices))
	c := &crew{Fleet: f, w: w, since: time.Now().Add(-time.Second), truth: cfg.Journal}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	c.stop = sync.OnceFunc(func() {
		cancel()
		must(w.t, <-ended)
	})
	w.t.Cleanup(c.stop)
	return c
}

// logIn asks the hub that runs now.
func (c *crew) logIn() {
	c.w.t.Helper()
	h, err := fleet.LogIn(c.w.t.Context(), "http://"+c.w.WebAddr().String(), "soan", password)
	must(c.w.t, err)
	c.hub = h
}

// back waits until every device has reached the hub. In bad weather a few of many are
// always away.
func (c *crew) back(within time.Duration) {
	c.w.t.Helper()
	c.each("has reached the hub", c.since, within, func(registry.State) bool { return true })
}

// each waits until something was so of every device as it said since then.
func (c *crew) each(what string, since time.Time, within time.Duration, so func(registry.State) bool) {
	t := c.w.t
	t.Helper()
	began := time.Now()
	met := map[protocol.DeviceID]bool{}
	tick := time.NewTicker(500 * time.Millisecond) // many heartbeats are read each time
	defer tick.Stop()
	for len(met) < c.Size() {
		if time.Since(began) > within {
			t.Fatalf("not within %s: seed %d: each of %d devices %s: %d", within, c.Seed(), c.Size(), what, len(met))
		}
		<-tick.C
		states, err := c.w.Registry.States(t.Context())
		must(t, err)
		for _, s := range states {
			if s.Online && s.At.After(since) && so(s) {
				met[s.Device] = true
			}
		}
	}
}

// compared waits until every occurrence has its outcome, and compares the hub's
// word with the truth: nothing lost, nothing twice, nothing wrong.
func (c *crew) compared(within time.Duration) fleet.Report {
	t := c.w.t
	t.Helper()
	c.logIn()
	// The figure knows nothing of a start that is still to come.
	c.w.within(within, "what is aired has begun", func() bool {
		list, err := c.w.Programme.List(t.Context(), c.w.actor("soan"), c.since)
		must(t, err)
		return !slices.ContainsFunc(list, func(a programme.Airing) bool { return a.First.After(time.Now()) })
	})
	var r fleet.Report
	deadline := time.Now().Add(within)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		said, err := c.hub.Said(t.Context(), c.since, func(protocol.DeviceID) bool { return true })
		must(t, err)
		r, err = c.Report(said)
		must(t, err)
		if (r.Good() && r.Said["ahead"] == 0) || time.Now().After(deadline) {
			break
		}
		<-tick.C
	}
	var text strings.Builder
	must(t, r.Text(&text))
	if !r.Good() || r.Said["ahead"] != 0 {
		t.Errorf("hub and truth differ:\n%s", text.String())
	} else {
		t.Log(text.String())
	}
	c.once()
	return r
}

// once checks that the chains hold one receipt for each occurrence, and one for
// everything that sounded: what has just sounded, or sounded on a line that is cut,
// is on its way.
func (c *crew) once() map[fleet.Key]protocol.Receipt {
	t := c.w.t
	t.Helper()
	began := time.Now()
	for {
		receipts, twice := c.receipts()
		truth, err := c.truth.Deeds()
		must(t, err)
		var missing []fleet.Key
		for k := range truth {
			if _, ok := receipts[k]; !ok {
				missing = append(missing, k)
			}
		}
		if len(twice) > 0 || len(missing) > 0 && time.Since(began) > patience {
			t.Errorf("seed %d: two receipts for %v, none for %v", c.Seed(), twice, missing)
			return receipts
		}
		if len(missing) == 0 {
			return receipts
		}
		<-time.After(time.Second) // the whole ledger is read each time
	}
}

// receipts are those in the ledger, and which occurrences have a second one.
func (c *crew) receipts() (receipts map[fleet.Key]protocol.Receipt, twice []fleet.Key) {
	t := c.w.t
	t.Helper()
	devices, err := c.w.Registry.Devices(t.Context())
	must(t, err)
	m, err := c.w.DB.Material(t.Context(), devices, reach.Media)
	must(t, err)
	receipts = map[fleet.Key]protocol.Receipt{}
	for _, e := range m.Entries {
		entry, err := protocol.Unmarshal[protocol.Entry](e.Bytes, protocol.MaxControl)
		must(t, err)
		if r := entry.Receipt; r != nil {
			k := fleet.Key{Device: e.Device, Medium: r.Medium.String(), Airing: r.Airing, Start: int64(r.Start)}
			if _, there := receipts[k]; there {
				twice = append(twice, k)
			}
			receipts[k] = *r
		}
	}
	return receipts, twice
}

// everywhere airs a short bulletin now on all loudspeakers, and on all boards if it
// has a text for them: that takes 20 s to be read.
func (w *world) everywhere(board string) bulletin.Bulletin {
	w.t.Helper()
	b := w.ready(bulletin.Content{Text: text, Board: board, Options: bulletin.SoundOptions{Wanted: true}})
	w.air(b, bulletin.Wish{When: bulletin.Now, Volume: 100, Lateness: 60}, "duyet1")
	return b
}

// Twenty devices in every kind of bad weather, through a restart of the hub, half
// the lines cut and a storm of reconnecting: what the hub says is what they did.
func TestAFleetInBadWeatherLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	devices := w.enlist(20)
	c := w.crew(fleet.Config{
		Seed: seed(t), Devices: devices, Timing: impatient(), Jitter: 50 * time.Millisecond,
		Weather: fleet.Weather{
			Kinds: []fleet.Kind{fleet.Loss, fleet.Delay, fleet.Slow, fleet.Cut, fleet.Reboot, fleet.Skew},
			Every: 2 * time.Second, For: 700 * time.Millisecond, Until: 3 * time.Second,
		},
	})
	w.everywhere("")
	mend := c.CutLines(0.5)
	w.stop()
	w.start()
	mend()
	w.everywhere("")
	c.Storm()
	r := c.compared(time.Minute)
	if r.Said["played"] == 0 {
		t.Errorf("seed %d: nothing was played: %v", c.Seed(), r.Said)
	}
}
