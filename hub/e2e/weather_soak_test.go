package e2e

import (
	"database/sql"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/fleet"
	"github.com/loa-vn/loa/hub/config"
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
