package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// oggPage is a page with whole packets.
func oggPage(packets ...[]byte) []byte {
	var lacing, body []byte
	for _, p := range packets {
		lacing = append(append(lacing, bytes.Repeat([]byte{255}, len(p)/255)...), byte(len(p)%255))
		body = append(body, p...)
	}
	b := append([]byte("OggS\x00\x00"), make([]byte, 20)...)
	return append(append(append(b, byte(len(lacing))), lacing...), body...)
}

func opusHead() []byte {
	return append([]byte("OpusHead\x01\x01\x00\x00"), 0x80, 0xbb, 0, 0, 0, 0, 0)
}

// stream is an Ogg Opus stream of n packets, one a page; packet i is i+1 bytes of i.
func stream(n int) []byte {
	b := append(oggPage(opusHead()), oggPage([]byte("OpusTags"))...)
	for i := range n {
		b = append(b, oggPage(bytes.Repeat([]byte{byte(i)}, i+1))...)
	}
	return b
}

func TestPacketsComeOutHoweverTheStreamIsCut(t *testing.T) {
	for _, size := range []int{1, 7, 100, 1 << 16} {
		var got [][]byte
		d := &demuxer{give: func(p []byte) { got = append(got, p) }}
		for part := range slices.Chunk(stream(600), size) {
			if _, err := d.Write(part); err != nil {
				t.Fatal(err)
			}
		}
		if len(got) != 600 {
			t.Fatalf("%d packets of 600 in parts of %d bytes", len(got), size)
		}
		for i, p := range got {
			if len(p) != i+1 || p[0] != byte(i) {
				t.Fatalf("packet %d has %d bytes", i, len(p))
			}
		}
	}
}

func TestWhatIsNoStreamIsRefused(t *testing.T) {
	stereo := opusHead()
	stereo[9] = 2
	for name, b := range map[string][]byte{
		"text":           []byte("HTTP/1.1 404 Not Found\r\n\r\n, and something more"),
		"stereo":         oggPage(stereo),
		"no head":        oggPage([]byte("OpusTags")),
		"packet of 2 KB": append(append(oggPage(opusHead()), oggPage([]byte("OpusTags"))...), oggPage(make([]byte, 2000))...),
		"a packet of no end": append(append(oggPage(opusHead()), oggPage([]byte("OpusTags"))...),
			bytes.Repeat(append(append(append([]byte("OggS\x00\x00"), make([]byte, 20)...), 255), append(bytes.Repeat([]byte{255}, 255), make([]byte, 255*255)...)...), 4)...),
	} {
		if _, err := (&demuxer{give: func([]byte) {}}).Write(b); !errors.Is(err, errStream) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDemuxer(f *testing.F) {
	f.Add(stream(3), 5)
	f.Add([]byte("OggS"), 1)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		protocoltest.HoldMemory(t, "stream", len(b), func() {
			d := &demuxer{give: func([]byte) {}}
			_, _ = d.Write(b)
		})
		d := &demuxer{give: func(p []byte) {
			if len(p) == 0 || len(p) > protocol.MaxFrame {
				t.Errorf("packet of %d bytes", len(p))
			}
		}}
		for part := range slices.Chunk(b, max(1, size%4096)) {
			if _, err := d.Write(part); err != nil {
				return
			}
		}
	})
}

func TestSilenceIsReadFromWhatFFmpegSays(t *testing.T) {
	var got []bool
	w := &words{silent: func(s bool) { got = append(got, s) }}
	for _, part := range []string{"Input #0, mp3\n[silencedetect @ 0x5] silence_", "start: 12.3\nsize=1kB\n", strings.Repeat("x", 1<<20), "\n[silencedetect] silence_end: 20 | silence_duration: 7.7\n"} {
		if _, err := w.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]bool{true, false}, got); diff != "" {
		t.Error(diff)
	}
}

// shelf is a store of one airing.
type shelf struct {
	mu      sync.Mutex
	airings []Airing
	events  []string
}

func (s *shelf) AddSession(context.Context, Stream, time.Time) error { return nil }

func (s *shelf) RelayAirings(context.Context, time.Time) ([]Airing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.airings), nil
}

func (s *shelf) SessionUnits(context.Context, protocol.SessionID, time.Time) ([]protocol.UnitID, error) {
	return []protocol.UnitID{"xa"}, nil
}

func (s *shelf) AddRelayEvent(_ context.Context, e Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e.At.UTC().Format("15:04:05 ")+e.What)
	return nil
}

func (s *shelf) RelayEvents(context.Context, protocol.SessionID) ([]Event, error) { return nil, nil }

// daily is an airing of the example's relay at 05:00 UTC, for half an hour and
// ten minutes' lateness.
func daily(t *testing.T) Airing {
	b := protocoltest.RelayBulletin()
	raw := protocoltest.Encode(t, b)
	wire := protocoltest.Airing(b, raw, []byte("approval"))
	wire.Start, wire.Rule, wire.ExDates, wire.RDates, wire.Lateness = "2000-01-01T05:00:00", "FREQ=DAILY", nil, nil, 600_000
	return Airing{Wire: wire, Stream: Stream{Bulletin: b.ID, Relay: *b.Relay, Private: protocoltest.PrivateKey("session")}}
}

// The stream is taken in around its airing only, sent in signed pieces of 200 ms
// with growing numbers, connected again when it ends, and what happens is noted.
func TestAStreamIsSentDuringItsWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // begins at 2000-01-01 00:00 UTC
		st := &shelf{airings: []Airing{daily(t)}}
		runs := 0
		run := func(ctx context.Context, args []string, _ io.Reader, out, _ io.Writer) error {
			if !slices.Contains(args, st.airings[0].Stream.Relay.URL) {
				t.Errorf("ffmpeg %q", args)
			}
			runs++
			if runs == 3 { // for a while nothing comes
				select {
				case <-ctx.Done():
				case <-time.After(time.Minute):
				}
				return errors.New("connection refused")
			}
			_, _ = out.Write(stream(0))
			for range 10 * 60 * 50 { // ten minutes, then it ends
				if _, err := out.Write(oggPage([]byte{0xf8, 0xff, 0xfe})); err != nil {
					return err
				}
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(20 * time.Millisecond):
				}
			}
			return errors.New("end of file")
		}
		var first, last time.Time
		var number uint64
		pieces := 0
		s := New(Config{
			Store: st, Run: run, Zone: time.UTC, Tell: func(protocol.SessionID) {}, Log: slog.New(slog.DiscardHandler),
			Publish: func(topic string, sealed []byte, qos byte) error {
				id, n, err := protocol.ParseFramesTopic(topic)
				if err != nil || id != protocoltest.Session || qos != 0 || len(sealed) > protocol.MaxControl {
					t.Errorf("published %q, %d bytes, QoS %d: %v", topic, len(sealed), qos, err)
				}
				payload, _, err := envelope.Open(envelope.KindFrames, sealed, protocol.MaxControl, envelope.One(st.airings[0].Stream.Relay.Key))
				if err != nil {
					t.Fatal(err)
				}
				f, err := protocol.Unmarshal[protocol.Frames](payload, protocol.MaxControl)
				if err != nil || f.Number != n || n <= number || len(f.Packets) != protocol.MaxFrames {
					t.Errorf("piece %d after %d: %+v, %v", n, number, f, err)
				}
				if first.IsZero() {
					first = time.Now()
				}
				last, number = time.Now(), n
				pieces++
				return nil
			},
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(6 * time.Hour)
		synctest.Wait()
		clock := func(at time.Time) string { return at.UTC().Format("15:04") }
		if clock(first) != "04:59" && clock(first) != "05:00" || clock(last) != "05:40" || runs < 4 {
			t.Errorf("sent from %s to %s in %d runs", first.UTC(), last.UTC(), runs)
		}
		if want := int((40*time.Minute - 80*time.Second) / pieceTime); pieces < want {
			t.Errorf("%d pieces, want %d at least", pieces, want)
		}
		what := []string{}
		for _, e := range st.events {
			what = append(what, e[len("15:04:05 "):])
		}
		if diff := cmp.Diff([]string{Began, Lost, Restored, Ended}, what); diff != "" {
			t.Errorf("%v: %s", st.events, diff)
		}
		// A withdrawn airing is not sent.
		st.mu.Lock()
		st.airings = nil
		st.mu.Unlock()
		before := pieces
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if pieces != before {
			t.Errorf("%d pieces after it was withdrawn", pieces-before)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A source that comes in bursts is sent evenly, and one that runs far ahead loses
// its oldest part.
func TestBurstsAreEvened(t *testing.T) {
	q := newQueue()
	for i := range maxQueue + 1 {
		q.put([]byte(fmt.Sprint(i)))
	}
	if got := len(q.packets); got != keepQueue {
		t.Errorf("%d packets are kept, want %d", got, keepQueue)
	}
	if first, _ := q.take(protocol.MaxFrames, 0); len(first) != protocol.MaxFrames || string(first[0]) != fmt.Sprint(maxQueue+1-keepQueue) {
		t.Errorf("first %q", first)
	}
	for packets, _ := q.take(protocol.MaxFrames, 0); packets != nil; packets, _ = q.take(protocol.MaxFrames, 0) {
	}
	q.put([]byte("x"))
	if packets, _ := q.take(protocol.MaxFrames, 0); packets != nil {
		t.Error("a piece of one packet")
	}
}

func TestSoundFromTheConsoleNeedsItsWindow(t *testing.T) {
	s := New(Config{Store: &shelf{}, Log: slog.New(slog.DiscardHandler)})
	if err := s.Feed(t.Context(), "phien", strings.NewReader("sound")); !errors.Is(err, problem.ErrConflict) {
		t.Errorf("without a window: %v", err)
	}
	if s.Hears(t.Context(), "phien", []protocol.UnitID{"tinh", "xa-khac"}) || !s.Hears(t.Context(), "phien", []protocol.UnitID{"tinh", "xa", "thon"}) {
		t.Error("a session is heard elsewhere than in its units")
	}
}

// What ffmpeg says is read to its end in bounded lines, however it is cut.
func FuzzWords(f *testing.F) {
	f.Add([]byte("Input #0, mp3\n[silencedetect @ 0x5] silence_start: 12.3\n[silencedetect] silence_end: 20\n"), 7)
	f.Add(bytes.Repeat([]byte("silence_start:"), 1000), 100)
	f.Fuzz(func(t *testing.T, said []byte, size int) {
		part := 1 + (size%4096+4096)%4096
		var got []bool
		protocoltest.HoldMemory(t, "words of ffmpeg", len(said), func() { _, _ = (&words{silent: func(bool) {}}).Write(said) })
		w := &words{silent: func(s bool) { got = append(got, s) }}
		for b := range slices.Chunk(said, part) {
			_, _ = w.Write(b)
		}
		if len(w.line) > maxLine+part {
			t.Errorf("a line of %d bytes is held", len(w.line))
		}
		if len(got) > bytes.Count(said, []byte("silence_")) {
			t.Errorf("%d silences in %q", len(got), said)
		}
	})
}
