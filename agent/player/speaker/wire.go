package speaker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"
)

// What parent and child say to each other over their pipes: one byte of kind, four of
// length (little endian), then that many bytes.
const (
	sayStart   = 's' // to the child: instant of the first frame (int64, monotonic ns; 0: at once)
	sayPCM     = 'p' // to the child: samples, 16 bit little endian
	sayEnd     = 'e' // to the child: the track is complete
	sayAim     = 'm' // to the child: when the track's first frame should have sounded (int64, monotonic ns)
	sayFlush   = 'f' // to the child: fade (int64, ns); answered by sayFlushed
	sayReady   = 'r' // to the parent: the card runs; a report
	sayAt      = 'q' // to the parent: a report
	sayFlushed = 'a' // to the parent: a report, after a flush
	sayFault   = 'x' // to the parent: the card has failed; text
)

const (
	headerSize = 5
	maxMessage = 1 << 16
	reportSize = 7 * 8
)

// errWire is wrapped by errors about messages that nobody of ours sends.
var errWire = errors.New("speaker: bad message")

// report is what an engine tells of its card.
type report struct {
	Consumed int64 // frames, silence included
	Content  int64 // frames of content among them
	Pending  int64 // frames of content accepted, neither consumed nor dropped
	At       int64 // the instant of the last of Content: monotonic ns
	Starved  int64 // frames of silence inside tracks, put out because nothing was there
	Held     int64 // frames that lie between the queue and the card's output
	Paused   int64 // frames of silence between content and content that nobody asked for
}

func (r report) append(b []byte) []byte {
	for _, v := range [...]int64{r.Consumed, r.Content, r.Pending, r.At, r.Starved, r.Held, r.Paused} {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	return b
}

func parseReport(b []byte) (r report, err error) {
	if len(b) != reportSize {
		return report{}, fmt.Errorf("%w: report of %d bytes", errWire, len(b))
	}
	for i, v := range [...]*int64{&r.Consumed, &r.Content, &r.Pending, &r.At, &r.Starved, &r.Held, &r.Paused} {
		*v = int64(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return r, nil
}

// writer sends messages, each in one write.
type writer struct {
	to  io.Writer
	buf []byte
}

func (w *writer) begin(kind byte) { w.buf = append(w.buf[:0], kind, 0, 0, 0, 0) }

func (w *writer) send() error {
	binary.LittleEndian.PutUint32(w.buf[1:], uint32(len(w.buf)-headerSize))
	_, err := w.to.Write(w.buf)
	return err
}

func (w *writer) sendInt(kind byte, v int64) error {
	w.begin(kind)
	w.buf = binary.LittleEndian.AppendUint64(w.buf, uint64(v))
	return w.send()
}

func (w *writer) sendPCM(pcm []int16) error {
	w.begin(sayPCM)
	for _, s := range pcm {
		w.buf = binary.LittleEndian.AppendUint16(w.buf, uint16(s))
	}
	return w.send()
}

func (w *writer) sendReport(kind byte, r report) error {
	w.begin(kind)
	w.buf = r.append(w.buf)
	return w.send()
}

func (w *writer) sendText(kind byte, text string) error {
	w.begin(kind)
	w.buf = append(w.buf, text[:min(len(text), maxMessage)]...)
	return w.send()
}

// reader receives messages.
type reader struct {
	from io.Reader
	head [headerSize]byte
	buf  []byte
}

// next returns the next message, good until the call after; io.EOF at the end.
func (r *reader) next() (kind byte, data []byte, err error) {
	if _, err := io.ReadFull(r.from, r.head[:]); err != nil {
		return 0, nil, err
	}
	n := int(binary.LittleEndian.Uint32(r.head[1:]))
	if n > maxMessage {
		return 0, nil, fmt.Errorf("%w: %d bytes", errWire, n)
	}
	if cap(r.buf) < n {
		r.buf = make([]byte, n)
	}
	r.buf = r.buf[:n]
	if _, err := io.ReadFull(r.from, r.buf); err != nil {
		return 0, nil, err
	}
	return r.head[0], r.buf, nil
}

func parseInt(b []byte) (int64, error) {
	if len(b) != 8 {
		return 0, fmt.Errorf("%w: number of %d bytes", errWire, len(b))
	}
	return int64(binary.LittleEndian.Uint64(b)), nil
}

func parsePCM(dst []int16, b []byte, channels int) ([]int16, error) {
	if len(b)%(2*channels) != 0 {
		return nil, fmt.Errorf("%w: samples of %d bytes", errWire, len(b))
	}
	dst = dst[:0]
	for i := 0; i < len(b); i += 2 {
		dst = append(dst, int16(binary.LittleEndian.Uint16(b[i:])))
	}
	return dst, nil
}

// monotonic is the system's monotonic clock, which parent and child share.
func monotonic() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(err) // there is no Linux without it
	}
	return t.Nano()
}

// toMonotonic and fromMonotonic move instants between the two clocks as they stand now.
// The zero time is 0.
func toMonotonic(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return monotonic() + int64(time.Until(t))
}

func fromMonotonic(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(ns - monotonic()))
}
