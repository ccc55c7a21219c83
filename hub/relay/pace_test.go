package relay

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// TestAStationsClockIsFollowed: a station whose clock is fast or slow, which sends evenly
// or in bursts, or whose line keeps it back for a moment now and then, is sent on without a gap and without a jump: numbers follow each other,
// instants are a piece apart within a millisecond, and its queue neither runs dry nor
// grows.
func TestAStationsClockIsFollowed(t *testing.T) {
	span := 10 * time.Minute
	if os.Getenv("LOA_SOAK") != "" {
		span = 2 * time.Hour
	}
	for _, x := range []struct {
		ppm   int
		burst int           // packets that come at once
		stall time.Duration // that nothing comes for, every ten seconds
	}{
		{0, 1, 0},
		{100, 1, 0},
		{-100, 1, 0},
		{100, 300, 0},
		{-100, 300, 0},
		{250, 50, 0},
		{-250, 50, 0},
		{0, 1, 900 * time.Millisecond},
		{-100, 1, 700 * time.Millisecond},
	} {
		t.Run(fmt.Sprintf("%d ppm, %d at once, stalls of %s", x.ppm, x.burst, x.stall), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ses := &session{
					stream: Stream{Relay: *protocoltest.RelayBulletin().Relay}, signer: protocoltest.Signer(t, "session"),
					tell: func(string) {}, log: slog.New(slog.DiscardHandler), queue: newQueue(),
				}
				var last protocol.Frames
				var sent uint32 // packets
				began := time.Now()
				ses.publish = func(_ string, sealed []byte, _ byte) error {
					payload, err := envelope.Unverified(sealed)
					if err != nil {
						t.Fatal(err)
					}
					f, err := protocol.Unmarshal[protocol.Frames](payload, protocol.MaxControl)
					if err != nil {
						t.Fatal(err)
					}
					for _, p := range f.Packets {
						if got := binary.LittleEndian.Uint32(p); got != sent {
							t.Fatalf("after %s packet %d comes in the place of %d", time.Since(began), got, sent)
						}
						sent++
					}
					if apart := f.At.Time().Sub(last.At.Time()); last.Number > 0 && (f.Number != last.Number+1 || (apart-pieceTime).Abs() > time.Millisecond) {
						t.Errorf("after %s piece %d, %s after %d", time.Since(began), f.Number, apart, last.Number)
					}
					last = f
					return nil
				}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() { defer close(done); ses.send(ctx) }()
				put := uint32(0)
				for length := time.Duration(0); length < span; length += time.Duration(x.burst) * protocol.FrameTime {
					at := length - length*time.Duration(x.ppm)/1_000_000
					if length > time.Second {
						at = max(at, at.Truncate(10*time.Second)+x.stall)
					}
					time.Sleep(time.Until(began.Add(at)))
					for range x.burst {
						ses.queue.put(binary.LittleEndian.AppendUint32(nil, put))
						put++
					}
				}
				synctest.Wait()
				if left := int(put - sent); left > x.burst+3*protocol.MaxFrames+cushion {
					t.Errorf("%d packets are left", left)
				}
				cancel()
				<-done
			})
		})
	}
}
