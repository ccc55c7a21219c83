package e2e

import (
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/fleet"
	"github.com/loa-vn/loa/hub/backup"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
)

// many is how many devices a soak has: LOA_FLEET, or 1,000.
func many(t *testing.T) int {
	t.Helper()
	text := os.Getenv("LOA_FLEET")
	if text == "" {
		return 1000
	}
	n, err := strconv.Atoi(text)
	must(t, err)
	return n
}

// light is the weather of devices on their own, beside what comes over all.
func light() fleet.Weather {
	return fleet.Weather{
		Kinds: []fleet.Kind{fleet.Loss, fleet.Delay, fleet.Slow, fleet.Cut, fleet.Reboot, fleet.Skew},
		Every: 3 * time.Minute, For: 10 * time.Second, Until: time.Hour,
	}
}

// lasts is how long a calamity is there: that is time, and no condition.
func lasts(d time.Duration) { <-time.After(d) }

// calamity is what comes over a whole fleet while a bulletin is given out.
type calamity struct {
	name string
	over func(t *testing.T, w *world, c *crew)
}

func calamities() []calamity {
	return []calamity{
		{"restart of the hub", func(_ *testing.T, w *world, _ *crew) {
			w.stop()
			w.start()
		}},
		{"outage of the hub", func(_ *testing.T, w *world, _ *crew) {
			w.stop()
			lasts(20 * time.Second)
			w.start()
		}},
		{"database lock", func(t *testing.T, w *world, _ *crew) {
			db, err := sql.Open("sqlite", "file:"+w.config.Database()+"?_txlock=immediate&_pragma=busy_timeout(5000)")
			must(t, err)
			tx, err := db.BeginTx(t.Context(), nil)
			must(t, err)
			lasts(12 * time.Second) // longer than the hub's own patience
			must(t, tx.Rollback())
			must(t, db.Close())
		}},
		{"half the lines", func(_ *testing.T, _ *world, c *crew) {
			mend := c.CutLines(0.5)
			lasts(20 * time.Second)
			mend()
		}},
		{"reconnect storm", func(_ *testing.T, _ *world, c *crew) { c.Storm() }},
		{"power cut", func(_ *testing.T, _ *world, c *crew) { c.RebootAll(0.5, 5*time.Second) }},
	}
}

// One calamity after the other over 1,000 devices in changing weather; after each the
// hub's word is the truth.
func TestSoakWeather(t *testing.T) {
	soak(t)
	w := newWorld(t)
	devices := w.enlist(many(t))
	c := w.crew(fleet.Config{Seed: seed(t), Devices: devices, Weather: light()})
	c.back(5 * time.Minute)
	for _, one := range calamities() {
		t.Run(one.name, func(t *testing.T) {
			all := w.t
			w.t = t
			defer func() { w.t = all }()
			w.everywhere("Họp thôn 7h30")
			lasts(2 * time.Second) // in the middle of it
			one.over(t, w, c)
			w.everywhere("")
			c.compared(10 * time.Minute)
		})
	}
}

// The broker elsewhere is away for a while, twice.
func TestSoakWeatherOfABrokerElsewhere(t *testing.T) {
	soak(t)
	m := newMosquitto(t)
	w := initialised(t, func(c *config.Config) { c.MQTT.Broker.URL = m.url() })
	m.prepare(w.config)
	m.start()
	w.open()
	devices := w.enlist(many(t))
	m.access(w.Base)
	c := w.crew(fleet.Config{Seed: seed(t), Devices: devices, Weather: light()})
	c.back(5 * time.Minute)
	for _, away := range []time.Duration{0, 20 * time.Second} {
		w.everywhere("")
		lasts(2 * time.Second)
		m.kill()
		lasts(away)
		m.start()
		w.everywhere("")
		c.compared(10 * time.Minute)
	}
}

// A hub that is lost, and restored from a backup made while a fleet played: every
// receipt that devices had given is there again, its plans go past those that devices
// hold, and what is aired then is played and counted.
func TestSoakAFleetOutlivesARestore(t *testing.T) {
	soak(t)
	w := newWorld(t)
	devices := w.enlist(min(200, many(t)))
	c := w.crew(fleet.Config{Seed: seed(t), Devices: devices, Weather: light()})
	c.back(3 * time.Minute)
	w.everywhere("")
	c.compared(5 * time.Minute)
	w.everywhere("Họp thôn 7h30")
	lasts(2 * time.Second) // it is being given out
	dest := filepath.Join(t.TempDir(), "backup")
	_, err := backup.Write(t.Context(), backup.Options{Folders: w.folders(), Dest: dest, Snapshot: w.DB.Snapshot, Now: time.Now()})
	must(t, err)
	w.everywhere("") // the backup knows nothing of it
	c.compared(5 * time.Minute)
	held := map[protocol.UnitID]uint64{}
	for _, u := range []protocol.UnitID{commune, "thon-dong", "thon-doai"} {
		p, err := store.NewProgramme(w.DB).NewestPlan(t.Context(), u)
		if err == nil {
			held[u] = p.Number
		}
	}

	w.stop()
	stopped := time.Now()
	must(t, os.Rename(w.config.Data, w.config.Data+".lost"))
	_, err = backup.Restore(t.Context(), dest, backup.Key{}, w.folders())
	must(t, err)
	w.start()
	w.everywhere("")
	for u, number := range held {
		w.until("the plan of "+string(u)+" goes past what devices hold", func() bool {
			p, err := store.NewProgramme(w.DB).NewestPlan(t.Context(), u)
			return err == nil && p.Number > number
		})
	}
	c.each("has its receipts there again", stopped, 5*time.Minute, func(s registry.State) bool {
		if s.Heartbeat.Chain == nil || s.Heartbeat.Unacked != 0 {
			return false
		}
		end, err := store.NewLedger(w.DB).ChainEnd(t.Context(), s.Device, s.Heartbeat.Chain.Chain)
		must(t, err)
		return end >= s.Heartbeat.Chain.Seq
	})
	c.once()
}
