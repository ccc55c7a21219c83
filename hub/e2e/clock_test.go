package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/timesync"
	"github.com/loa-vn/loa/hub/e2e/figure"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// lopsided is a line of 60 ms to the hub and 40 ms back.
func (w *world) lopsided() func(*device) {
	w.t.Helper()
	p := badLine(w.t, w.MQTTAddr().String())
	for stream, ms := range map[string]int{"upstream": 60, "downstream": 40} {
		_, err := p.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(`{"name": %q, "type": "latency", "stream": %q, "attributes": {"latency": %d}}`, stream, stream, ms)))
		must(w.t, err)
	}
	return func(d *device) {
		d.dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, p.Listen)
		}
	}
}

// Devices whose system vouches for no time learn it over MQTT alone, over a round trip of
// 100 ms of which 20 ms are on one side: they are off by no more than they say, and, where
// figures are wanted, 99 of 100 looks by less than 30 ms.
func TestClocksDisciplinedOverMQTTAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	devices, span := 3, time.Second
	measured := os.Getenv(figuresEnv) != ""
	if measured {
		devices, span = 20, 30*time.Second
	}
	line := w.lopsided()
	var all []*device
	for i := range devices {
		id := protocol.DeviceID(fmt.Sprintf("gio-%02d", i))
		all = append(all, w.device(registry.NewDevice{ID: id, Name: string(id), Unit: "thon-dong", Sound: true}, line, func(d *device) {
			d.system = func() timesync.System { return timesync.System{} }
		}))
	}
	w.until("every device knows the time", func() bool {
		return !slices.ContainsFunc(all, func(d *device) bool { return !d.Time().Sure })
	})
	var wrong []float64
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(span); time.Now().Before(end); <-ticker.C {
		for _, d := range all {
			before := time.Now()
			r := d.Time()
			off := r.Now.Sub(before.Round(0)).Abs()
			if slack := time.Since(before); off > r.Uncertainty+slack {
				t.Errorf("%s is %s off, and says %s", d.id, off, r.Uncertainty)
			}
			wrong = append(wrong, float64(off)/float64(time.Millisecond))
		}
	}
	if measured {
		slices.Sort(wrong)
		must(t, figure.Print(figure.Under("clock by MQTT alone, 100 ms round trip, 20 ms asymmetry: off the hub's, p99", "ms", []float64{wrong[len(wrong)*99/100]}, 30)))
	}
}

// BenchmarkGoalClock prints that figure.
func BenchmarkGoalClock(b *testing.B) {
	for b.Loop() {
		figuresOf(b, "TestClocksDisciplinedOverMQTTAlone")
	}
}
