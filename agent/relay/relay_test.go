package relay

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// hush is a packet of silence.
var hush = []byte{0xf8, 0xff, 0xfe}

// studio sends a session's frames to a session of the device.
type studio struct {
	t      *testing.T
	signer *envelope.Signer
	relay  protocol.Relay
	to     *session
	number uint64
}

func newStudio(t *testing.T) *studio {
	r := *protocoltest.RelayBulletin().Relay
	return &studio{t: t, signer: protocoltest.Signer(t, "session"), relay: r, to: newSession(r), number: 1000}
}

// seal makes the message of one piece.
func (s *studio) seal(f protocol.Frames) (topic string, sealed []byte) {
	s.t.Helper()
	return protocol.FramesTopic(f.Session, f.Number), protocoltest.Seal(s.t, s.signer, envelope.KindFrames, f)
}

func (s *studio) piece(number uint64, at time.Time) protocol.Frames {
	return protocol.Frames{Version: protocol.Version, Session: s.relay.Session, Number: number, At: protocol.InstantOf(at), Packets: slices.Repeat([][]byte{hush}, protocol.MaxFrames)}
}

// send sends one piece, taken in now, that arrives after a delay.
func (s *studio) send(network time.Duration) {
	s.number++
	topic, sealed := s.seal(s.piece(s.number, time.Now()))
	go func() {
		time.Sleep(network)
		_ = s.to.take(topic, sealed, time.Now())
	}()
}

// stream sends pieces for a while.
func (s *studio) stream(d, network time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(pieceTime) {
		s.send(network)
	}
}

func TestOnlyTheSessionsOwnFramesAreTaken(t *testing.T) {
	s := newStudio(t)
	now := protocoltest.Now()
	good := s.piece(5000, now)
	topic, sealed := s.seal(good)
	if err := s.to.take(topic, sealed, now); err != nil {
		t.Fatal(err)
	}
	other := protocoltest.Signer(t, "stranger")
	forged := protocoltest.Seal(t, other, envelope.KindFrames, s.piece(5001, now))
	kind := protocoltest.Seal(t, s.signer, envelope.KindPlan, s.piece(5001, now))
	foreign := s.piece(5001, now)
	foreign.Session = "phien-khac"
	_, foreignSealed := s.seal(foreign)
	change := slices.Clone(sealed)
	change[len(change)-100]++
	seal := func(f protocol.Frames) []byte { _, b := s.seal(f); return b }
	for name, c := range map[string]struct {
		n      uint64
		sealed []byte
		want   error
	}{
		"a stranger's":          {5001, forged, envelope.ErrStranger},
		"signed for a plan":     {5001, kind, envelope.ErrSignature},
		"of another session":    {5001, foreignSealed, protocol.ErrInvalid},
		"under another number":  {5002, seal(s.piece(5001, now)), protocol.ErrInvalid},
		"changed":               {5000, change, nil},
		"twice":                 {5000, sealed, ErrStale},
		"long past":             {4000, seal(s.piece(4000, now)), ErrStale},
		"recorded a minute ago": {5003, seal(s.piece(5003, now.Add(-time.Minute))), ErrStale},
		"from the future":       {5003, seal(s.piece(5003, now.Add(time.Minute))), ErrStale},
	} {
		err := s.to.take(protocol.FramesTopic(s.relay.Session, c.n), c.sealed, now)
		if err == nil || (c.want != nil && !errors.Is(err, c.want)) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if len(s.to.pieces) != 1 {
		t.Errorf("%d pieces are held", len(s.to.pieces))
	}
}

// listen reads a source as a player does: 300 ms ahead of what is heard.
func (s *studio) listen(begin time.Time, d time.Duration) (frames int64, held int, err error) {
	s.t.Helper()
	src, err := newSource(s.to, s.relay, time.Now, begin)
	if err != nil {
		s.t.Fatal(err)
	}
	buf := make([]int16, 960)
	for frames < player.FramesIn(d) {
		if ahead := time.Until(begin.Add(player.Duration(frames))); ahead > 500*time.Millisecond {
			time.Sleep(ahead - 500*time.Millisecond)
		}
		n, err := src.Read(buf)
		if err != nil {
			return frames, held, err
		}
		if src.locked {
			held++
		}
		frames += int64(n)
	}
	return frames, held, nil
}

func TestFramesAreHeardTwoSecondsAfterTheyWereTakenIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t)
		s.relay.Silence = protocol.MillisOf(protocol.MaxSilence)
		go s.stream(20*time.Second, 700*time.Millisecond)
		time.Sleep(5 * time.Second)
		src, err := newSource(s.to, s.relay, time.Now, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := src.Read(make([]int16, 960)); err != nil || !src.locked {
			t.Fatalf("not there at once: %v", err)
		}
		f, _, _ := s.to.at(src.number)
		at := f.At.Time().Add(time.Duration(src.packet-1) * protocol.FrameTime)
		if late := time.Since(at); late < Delay-protocol.FrameTime || late > Delay+protocol.FrameTime {
			t.Errorf("heard %s after it was taken in", late)
		}
		time.Sleep(20 * time.Second)
	})
}

func TestJitterIsNotHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t)
		s.relay.Silence = protocol.MillisOf(protocol.MaxSilence)
		go func() {
			for i := range 100 { // every other piece is a second late
				s.send(time.Duration(i%2) * time.Second)
				time.Sleep(pieceTime)
			}
		}()
		time.Sleep(4 * time.Second)
		frames, held, err := s.listen(time.Now(), 10*time.Second)
		if err != nil || frames != player.FramesIn(10*time.Second) || held != 500 {
			t.Errorf("%d frames, %d of 500 packets of the stream, %v", frames, held, err)
		}
		time.Sleep(20 * time.Second)
	})
}

// TestAStreamThatDriftsIsFollowedUnheard: its source's clock is 100 ppm fast or slow,
// so that after an hour it would be a third of a second away. Devices follow by 300 ppm
// at most, within 10 ms, and never jump; and so do two of them together.
func TestAStreamThatDriftsIsFollowedUnheard(t *testing.T) {
	for _, ppm := range []int{100, -100} {
		synctest.Test(t, func(t *testing.T) {
			s := newStudio(t)
			s.relay.Silence = protocol.MillisOf(2 * time.Hour) // it sends nothing else
			began := time.Now()
			taken := func(piece int) time.Time { // when one was taken in, by its source's clock
				length := time.Duration(piece) * pieceTime
				return began.Add(length - length*time.Duration(ppm)/1_000_000)
			}
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				for i := 0; ctx.Err() == nil; i++ {
					time.Sleep(time.Until(taken(i)))
					s.number = uint64(1000 + i)
					_, sealed := s.seal(s.piece(s.number, taken(i)))
					if err := s.to.take(protocol.FramesTopic(s.relay.Session, s.number), sealed, time.Now()); err != nil {
						t.Error(err)
					}
				}
			}()
			time.Sleep(4 * time.Second)
			begin := time.Now().Add(7 * time.Millisecond)
			src, err := newSource(s.to, s.relay, time.Now, begin)
			if err != nil {
				t.Fatal(err)
			}
			length := 3 * time.Minute
			if os.Getenv("LOA_SOAK") != "" {
				length = time.Hour
			}
			buf := make([]int16, 960)
			next, far := 0, time.Duration(0)
			for frames := int64(0); frames < player.FramesIn(length); {
				if ahead := time.Until(begin.Add(player.Duration(frames))); ahead > 500*time.Millisecond {
					time.Sleep(ahead - 500*time.Millisecond)
				}
				n, err := src.Read(buf)
				if err != nil || !src.locked {
					t.Fatalf("%d ppm: after %s: locked %t, %v", ppm, player.Duration(frames), src.locked, err)
				}
				frames += int64(n)
				at := int(src.number-1000)*protocol.MaxFrames + src.packet
				if next > 0 && at-next > 2 || at < next {
					t.Fatalf("%d ppm: after %s it jumps from packet %d to %d", ppm, player.Duration(frames), next, at)
				}
				next = at
				// What is fed next, against what is to be heard then.
				due := src.heard().Add(-Delay)
				now := taken(at / protocol.MaxFrames).Add(time.Duration(at%protocol.MaxFrames)*protocol.FrameTime - player.Duration(int64(len(src.ready))))
				far = max(far, now.Sub(due).Abs())
			}
			t.Logf("%d ppm: at most %s off in %s", ppm, far, length)
			if far > 5*time.Millisecond {
				t.Errorf("%d ppm: %s off", ppm, far)
			}
			cancel()
			time.Sleep(time.Second)
		})
	}
}

func TestALostStreamEndsAfterFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t)
		s.relay.Silence = protocol.MillisOf(protocol.MaxSilence)
		go s.stream(8*time.Second, 0)
		time.Sleep(4 * time.Second)
		begin := time.Now()
		frames, _, err := s.listen(begin, time.Minute)
		// Six seconds of it were left: two in the delay, four to come.
		if want := player.FramesIn(6*time.Second + LostAfter); !errors.Is(err, ErrLost) || frames < want-9600 || frames > want+9600 {
			t.Errorf("%v after %s", err, player.Duration(frames))
		}
	})
}

func TestAShortGapIsSilenceAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t)
		s.relay.Silence = protocol.MillisOf(protocol.MaxSilence)
		go func() {
			s.stream(6*time.Second, 0)
			time.Sleep(3 * time.Second) // the hub sends nothing, and counts on from where it was
			s.stream(20*time.Second, 0)
		}()
		time.Sleep(4 * time.Second)
		frames, held, err := s.listen(time.Now(), 15*time.Second)
		if err != nil || frames != player.FramesIn(15*time.Second) || held < 580 || held > 610 {
			t.Errorf("%d frames, %d packets of the stream, want about 600: %v", frames, held, err)
		}
		time.Sleep(20 * time.Second)
	})
}

// A source that stops for a moment, again and again, is heard as it was taken in: its gaps
// are as long as they were, nothing is heard twice, and neighbours stay together.
func TestGapsAreAsLongAsTheyWere(t *testing.T) {
	for _, gap := range []time.Duration{50 * time.Millisecond, 150 * time.Millisecond, 370 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			s := newStudio(t)
			s.relay.Silence = protocol.MillisOf(protocol.MaxSilence)
			go func() {
				for range 30 {
					s.stream(time.Second, 0)
					time.Sleep(gap)
				}
			}()
			time.Sleep(4 * time.Second)
			begin := time.Now()
			src, err := newSource(s.to, s.relay, time.Now, begin)
			if err != nil {
				t.Fatal(err)
			}
			var given, last int64
			packets := 0
			buf := make([]int16, 960)
			for given < player.FramesIn(20*time.Second) {
				due := begin.Add(player.Duration(given))
				time.Sleep(time.Until(due.Add(-500 * time.Millisecond)))
				n, err := src.Read(buf)
				if err != nil {
					t.Error(err)
					break
				}
				given += int64(n)
				if !src.locked {
					continue
				}
				f, _, _ := s.to.at(src.number)
				at := f.At.Time().Add(time.Duration(src.packet-1) * protocol.FrameTime)
				if place := int64(src.number)*protocol.MaxFrames + int64(src.packet); place <= last {
					t.Errorf("gaps of %s: after %s piece %d, packet %d once more", gap, due.Sub(begin), src.number, src.packet)
					break
				} else {
					last = place
				}
				packets++
				if late := due.Sub(at); (late - Delay).Abs() > leap+protocol.FrameTime {
					t.Errorf("gaps of %s: after %s heard %s after it was taken in", gap, due.Sub(begin), late)
					break
				}
			}
			if whole := float64(packets) / float64(player.FramesIn(20*time.Second)/int64(len(buf))); whole < 0.9*float64(time.Second)/float64(time.Second+gap) {
				t.Errorf("gaps of %s: of the stream %.2f were heard", gap, whole)
			}
			time.Sleep(time.Minute)
		})
	}
}

func TestDeadAirEndsWhenItsBulletinSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t) // 20 s of silence are a fault
		go s.stream(60*time.Second, 0)
		time.Sleep(4 * time.Second)
		frames, _, err := s.listen(time.Now(), time.Minute)
		if !errors.Is(err, ErrDeadAir) || frames != player.FramesIn(20*time.Second) {
			t.Errorf("%v after %s", err, player.Duration(frames))
		}
		time.Sleep(60 * time.Second)
	})
}

func TestASessionIsListenedToDuringItsWindowOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // begins at midnight UTC of 1 January 2000
		b := protocoltest.RelayBulletin()
		raw := protocoltest.Encode(t, b)
		wire := protocoltest.Airing(b, raw, []byte("approval"))
		wire.Start, wire.Rule, wire.ExDates, wire.RDates = "2000-01-01T05:00:00", "FREQ=DAILY", nil, nil
		wire.SoundFor, wire.Lateness = 30*60_000, 10*60_000
		changes := 0
		r := New(Config{
			Now: time.Now, Changed: func() { changes++ }, Log: slog.New(slog.DiscardHandler),
			Bulletin: func(protocol.Airing) (protocol.Bulletin, error) { return b, nil },
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		listening := func(hour, minute, second int) bool {
			t.Helper()
			time.Sleep(time.Until(time.Date(2000, 1, 1, hour, minute, second, 0, time.UTC)))
			synctest.Wait()
			return slices.Equal(r.Filters(), []string{protocol.SessionFilter(b.Relay.Session)})
		}
		plain := protocoltest.Airing(protocoltest.Bulletin(), []byte("bulletin"), []byte("approval"))
		r.Tell([]inbox.Update{inbox.Accepted{Airing: plain, Zone: "UTC"}, inbox.Accepted{Airing: wire, Zone: "UTC"}})
		for _, c := range []struct {
			hour, minute, second int
			want                 bool
		}{{4, 59, 54, false}, {4, 59, 56, true}, {5, 39, 59, true}, {5, 40, 1, false}, {28, 59, 56, true}} {
			if got := listening(c.hour, c.minute, c.second); got != c.want {
				t.Errorf("%02d:%02d:%02d: %t", c.hour, c.minute, c.second, got)
			}
		}
		r.Tell([]inbox.Update{inbox.Withdrawn{Airing: wire.ID}})
		synctest.Wait()
		if len(r.Filters()) > 0 || changes != 4 {
			t.Errorf("withdrawn, yet %q; %d changes", r.Filters(), changes)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func FuzzTake(f *testing.F) {
	s := newStudio(&testing.T{})
	topic, sealed := s.seal(s.piece(5000, protocoltest.Now()))
	f.Add(topic, sealed)
	f.Add("loa/1/s/phien-vov1/1", []byte{})
	f.Fuzz(func(t *testing.T, topic string, b []byte) {
		protocoltest.HoldMemory(t, "frames", len(topic)+len(b), func() { _ = newSession(s.relay).take(topic, b, protocoltest.Now()) })
		to := newSession(s.relay)
		if err := to.take(topic, b, protocoltest.Now()); err == nil && len(to.pieces) != 1 {
			t.Error("taken, yet not held")
		}
	})
}
