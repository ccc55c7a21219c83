package health_test

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/agent/health"
	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/agent/timesync"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

func facts() health.Facts {
	return health.Facts{
		Device: protocoltest.Speaker, Clock: timesync.Reading{Now: protocoltest.Now(), Sure: true, Uncertainty: 12 * time.Millisecond},
		Holdings: inbox.Holdings{
			Plans: []protocol.Held{{Unit: protocoltest.Commune, Number: 7}}, Placement: 3, Muted: true, Stops: []protocol.StopID{"dung-1"},
		},
		Missing: 2, Free: 1 << 30, Needs: 1 << 20,
		Chain: protocol.ChainState{Chain: protocol.DigestOf([]byte("chain")), Seq: 9, Acked: 4, Oldest: 2}, Features: []string{protocol.FeatureSound},
		Software: "1.0.0", Config: protocol.DigestOf([]byte("c")),
	}
}

func TestAHeartbeatSaysWhatIsHeldAndWhatIsWrong(t *testing.T) {
	r := health.New(health.Config{Facts: facts, Log: slog.New(slog.DiscardHandler)})
	r.Connected(5)
	r.Playing(protocol.MediumBoard, "", health.On{Airing: "lp-2", Length: time.Minute})
	r.Playing(protocol.MediumSound, "", health.On{Airing: "lp-1", Volume: 70, Begin: time.Now().Add(-2 * time.Minute), Length: time.Minute})
	r.Toned(protocol.ToneResult{Number: 8, Reason: protocol.ReasonBusy, At: protocoltest.At(0)})
	r.Fault("storage", true)
	r.Fault("config", true)
	r.Fault("sound", true)
	r.Fault("sound", false)
	b, err := r.Heartbeat()
	if err != nil {
		t.Fatal(err)
	}
	got, err := protocol.Unmarshal[protocol.Heartbeat](b, protocol.MaxControl)
	if err != nil {
		t.Fatal(err)
	}
	want := protocol.Heartbeat{
		Version: protocol.Version, Device: protocoltest.Speaker, Connection: 5, Online: true, At: protocoltest.At(0),
		Plans: []protocol.Held{{Unit: protocoltest.Commune, Number: 7}}, Placement: 3, Muted: true, Stops: []protocol.StopID{"dung-1"},
		Features: []string{protocol.FeatureSound}, ClockSure: true, Uncertainty: 12, Missing: 2, Free: 1 << 30, Unacked: 5,
		Software: "1.0.0", Config: protocol.DigestOf([]byte("c")), Playing: "lp-1", Progress: &protocol.Progress{Position: 60_000, Length: 60_000, Volume: 70},
		Tone: &protocol.ToneResult{Number: 8, Reason: protocol.ReasonBusy, At: protocoltest.At(0)}, Faults: []string{"config", "storage"},
		Chain: &protocol.ChainState{Chain: protocol.DigestOf([]byte("chain")), Seq: 9, Acked: 4, Oldest: 2}, Needs: 1 << 20,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTooLittleRoomIsSaidBeforeItFails(t *testing.T) {
	for _, c := range []struct {
		free, needs uint64
		short       bool
	}{{health.Reserve, 0, false}, {health.Reserve - 1, 0, true}, {1 << 30, 1 << 30, true}, {1<<30 + health.Reserve, 1 << 30, false}} {
		if got := health.Short(c.free, c.needs); got != c.short {
			t.Errorf("%d free for %d: short %t", c.free, c.needs, got)
		}
	}
}

func TestTheLargestHeartbeatFitsIntoAPacket(t *testing.T) {
	f := facts()
	f.Holdings.Plans, f.Holdings.Stops = nil, nil
	for i := range 8 {
		f.Holdings.Plans = append(f.Holdings.Plans, protocol.Held{Unit: protocol.UnitID(strings.Repeat("u", 63) + string(rune('a'+i))), Number: 1 << 62})
	}
	for i := range 1000 {
		f.Holdings.Lists = append(f.Holdings.Lists, protocol.DigestOf([]byte{byte(i), byte(i >> 8)}))
		f.Holdings.Stops = append(f.Holdings.Stops, protocol.StopID(strings.Repeat("s", 64)))
	}
	b, err := protocol.Marshal(health.Build(f))
	if err != nil || len(b) > protocol.MaxControl {
		t.Errorf("%d bytes: %v", len(b), err)
	}
}

func TestHeartbeatsComeEveryHalfMinuteAndOnChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int64
		r := health.New(health.Config{
			Facts: facts, Log: slog.New(slog.DiscardHandler),
			Send: func(context.Context, []byte) error { sent.Add(1); return nil },
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = r.Run(ctx) }()
		time.Sleep(5*time.Minute - 10*time.Second) // not at a beat
		if sent.Load() != 0 {
			t.Errorf("%d without a connection", sent.Load())
		}
		r.Connected(1)
		time.Sleep(time.Second)
		if sent.Load() != 1 {
			t.Errorf("%d on connecting", sent.Load())
		}
		time.Sleep(5 * time.Minute)
		if sent.Load() != 11 {
			t.Errorf("%d in five minutes", sent.Load())
		}
		for range 100 {
			r.Changed()
		}
		r.Fault("sound", true)
		time.Sleep(time.Second)
		if sent.Load() != 12 {
			t.Errorf("%d after a burst of changes", sent.Load())
		}
		r.Fault("sound", true)
		time.Sleep(time.Second)
		if sent.Load() != 12 {
			t.Errorf("%d after no change", sent.Load())
		}
		r.Disconnected()
		time.Sleep(5 * time.Minute)
		if sent.Load() != 12 {
			t.Errorf("%d after the connection ended", sent.Load())
		}
		cancel()
		synctest.Wait()
	})
}

func TestTheWillSaysThatTheConnectionEnded(t *testing.T) {
	b, err := health.Will(protocoltest.Speaker, 9, protocoltest.At(0))
	if err != nil {
		t.Fatal(err)
	}
	got, err := protocol.Unmarshal[protocol.Heartbeat](b, protocol.MaxControl)
	if err != nil || got.Online || got.Connection != 9 {
		t.Errorf("%+v %v", got, err)
	}
}

func TestFreeSpaceIsAsked(t *testing.T) {
	if free, err := health.Free(t.TempDir()); err != nil || free == 0 {
		t.Errorf("%d %v", free, err)
	}
}
