package relay

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

const (
	pieceTime = protocol.MaxFrames * protocol.FrameTime
	// lostAfter is how long nothing may come before the stream counts as lost, and
	// beginsIn how long it may take to begin.
	lostAfter = 5 * time.Second
	beginsIn  = 9 * time.Second
	// cushion is how many packets of a station are held back when it begins, and anew after
	// it had none left: what its line then keeps back for less than a second is not
	// missed. A speaker at the console would be heard later for it.
	cushion = int(time.Second / protocol.FrameTime)
	// Waits between two starts of ffmpeg double from the first to the last.
	firstWait = 500 * time.Millisecond
	lastWait  = 10 * time.Second
)

// What happens to a stream.
const (
	Began    = "began"    // the first piece was sent
	Lost     = "lost"     // nothing has come for 5 s
	DeadAir  = "dead-air" // the source has been silent for longer than it may
	Restored = "restored" // it is heard again
	Ended    = "ended"
)

// Stream is what a session needs to know of its bulletin.
type Stream struct {
	Bulletin protocol.BulletinID
	Relay    protocol.Relay
	Private  ed25519.PrivateKey
}

// session is one stream under way.
type session struct {
	stream  Stream
	signer  *envelope.Signer
	run     Run
	publish func(topic string, payload []byte, qos byte) error
	tell    func(what string)
	log     *slog.Logger

	queue *queue

	mu   sync.Mutex
	feed *io.PipeWriter // of sound from the console, while ffmpeg reads it
	busy sync.Mutex     // one chunk at a time
}

func newSession(st Stream, s *Service) (*session, error) {
	signer, err := envelope.NewSigner(st.Private)
	if err != nil {
		return nil, fmt.Errorf("session %s: %w", st.Relay.Session, err)
	}
	return &session{
		stream: st, signer: signer, run: s.cfg.Run, publish: s.cfg.Publish, log: s.cfg.Log, queue: newQueue(),
		tell: func(what string) { s.note(st, what) },
	}, nil
}

// serve takes the stream in and sends it on until ctx ends.
func (s *session) serve(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { s.ingest(ctx) })
	s.send(ctx)
	wg.Wait()
}

// ingest keeps ffmpeg running.
func (s *session) ingest(ctx context.Context) {
	wait := firstWait
	for ctx.Err() == nil {
		began := time.Now()
		err := s.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > lastWait {
			wait = firstWait
		}
		s.log.WarnContext(ctx, "stream ended, connecting again", "session", s.stream.Relay.Session, "error", err)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		wait = min(2*wait, lastWait)
	}
}

// once runs ffmpeg until the source ends.
func (s *session) once(ctx context.Context) error {
	r := s.stream.Relay
	out := &demuxer{give: s.queue.put}
	said := &words{silent: func(silent bool) {
		if silent {
			s.tell(DeadAir)
		} else {
			s.tell(Restored)
		}
	}}
	if r.URL != "" {
		return s.run(ctx, arguments(r.URL, r.Silence.Duration()), nil, out, said)
	}
	reader, writer := io.Pipe()
	s.mu.Lock()
	s.feed = writer
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.feed = nil
		s.mu.Unlock()
		_ = reader.CloseWithError(io.ErrClosedPipe)
	}()
	stop := context.AfterFunc(ctx, func() { _ = writer.CloseWithError(io.EOF) })
	defer stop()
	return s.run(ctx, arguments("", r.Silence.Duration()), reader, out, said)
}

// write gives sound from the console to ffmpeg.
func (s *session) write(r io.Reader) error {
	s.busy.Lock()
	defer s.busy.Unlock()
	s.mu.Lock()
	feed := s.feed
	s.mu.Unlock()
	if feed == nil {
		return io.ErrClosedPipe
	}
	_, err := io.Copy(feed, r)
	return err
}

// send signs and publishes a piece every 200 ms, as its source's clock has them.
func (s *session) send(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var p pace
	number := uint64(0)
	var last time.Time // of a piece that was sent
	began, lost := time.Now(), false
	behind := 0
	if s.stream.Relay.URL != "" {
		behind = cushion
	}
	for {
		select {
		case <-ctx.Done():
			if !last.IsZero() {
				s.tell(Ended)
			}
			return
		case <-s.queue.filled:
		case <-timer.C:
		}
		now := time.Now()
		if wait := p.next.Sub(now); wait > 0 {
			timer.Reset(wait)
			continue
		}
		held := 0
		if p.next.IsZero() || p.starved {
			held = behind
		}
		packets, left := s.queue.take(protocol.MaxFrames, held)
		if packets == nil {
			p.starved = true
			since := last
			if since.IsZero() {
				since = began.Add(beginsIn - lostAfter)
			}
			if !lost && now.Sub(since) >= lostAfter {
				lost, p = true, pace{}
				s.tell(Lost)
			}
			timer.Reset(pieceTime)
			continue
		}
		switch {
		case last.IsZero() && !lost:
			s.tell(Began)
		case lost:
			s.tell(Restored)
		}
		lost, last = false, now
		number++
		if p.next.IsZero() { // numbers grow over gaps, and over a hub that begins anew
			number = max(number, uint64(now.UnixMilli())/uint64(pieceTime.Milliseconds()))
		}
		if err := s.piece(number, p.take(now, left), packets); err != nil {
			s.log.ErrorContext(ctx, "piece not sent", "session", s.stream.Relay.Session, "error", err)
		}
		timer.Reset(max(time.Until(p.next), 0))
	}
}

func (s *session) piece(number uint64, at time.Time, packets [][]byte) error {
	f := protocol.Frames{
		Version: protocol.Version, Session: s.stream.Relay.Session, Number: number, At: protocol.InstantOf(at), Packets: packets,
	}
	payload, err := protocol.Marshal(f)
	if err != nil {
		return err
	}
	sealed, err := s.signer.Seal(envelope.KindFrames, payload)
	if err != nil {
		return err
	}
	return s.publish(protocol.FramesTopic(f.Session, number), sealed, 0)
}
