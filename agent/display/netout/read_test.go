package netout_test

import (
	"context"
	"encoding/binary"
	"errors"
	"image"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/ddp"
	"github.com/loa-vn/loa/agent/display/netout"
	"github.com/loa-vn/loa/agent/display/sacn"
	"github.com/loa-vn/loa/protocol/page"
)

var _ netout.Reader = (*ddp.Protocol)(nil)

// holder is a controller of DDP with a buffer, that answers as the protocol's document
// says, but for what a test asks of it.
type holder struct {
	conn *net.UDPConn

	mu     sync.Mutex
	memory []byte
	asked  int  // questions for pixels
	status bool // it answers questions for its status
	read   func(memory []byte, from, to int) [][]byte
	losing int // datagrams of pixels that do not arrive
	answer int // port that answers go to; 0: where the question came from
}

func hold(t *testing.T, size int) *holder {
	t.Helper()
	h := &holder{conn: controller(t, "127.0.0.1:0"), memory: make([]byte, size), status: true, read: piece}
	var done sync.WaitGroup
	done.Go(h.serve)
	t.Cleanup(func() { h.conn.Close(); done.Wait() })
	return h
}

// set changes something about it.
func (h *holder) set(change func()) { h.mu.Lock(); change(); h.mu.Unlock() }

func (h *holder) serve() {
	b := make([]byte, 2048)
	for {
		n, from, err := h.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		for _, a := range h.take(b[:n]) {
			h.set(func() {
				if h.answer != 0 {
					from = netip.AddrPortFrom(from.Addr(), uint16(h.answer))
				}
			})
			_, _ = h.conn.WriteToUDPAddrPort(a, from)
		}
	}
}

func (h *holder) take(b []byte) [][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	from, length := int(binary.BigEndian.Uint32(b[4:])), int(binary.BigEndian.Uint16(b[8:]))
	switch {
	case b[0]&0x02 != 0 && b[3] == 251 && h.status:
		return [][]byte{{0x45, 0, 0, 251, 0, 0, 0, 0, 0, 2, '{', '}'}}
	case b[0]&0x02 != 0 && b[3] == 1:
		h.asked++
		return h.read(h.memory, from, from+length)
	case b[0]&0x02 != 0:
	case h.losing > 0:
		h.losing--
	case from < len(h.memory):
		copy(h.memory[from:], b[10:])
	}
	return nil
}

// reply is one datagram of the buffer.
func reply(from int, pixels []byte, push bool) []byte {
	b := []byte{0x44, 0, 0x0b, 1, 0, 0, 0, 0, 0, 0}
	if push {
		b[0] |= 1
	}
	binary.BigEndian.PutUint32(b[4:], uint32(from))
	binary.BigEndian.PutUint16(b[8:], uint16(len(pixels)))
	return append(b, pixels...)
}

// piece answers with as much as there is.
func piece(memory []byte, from, to int) [][]byte {
	from, to = min(from, len(memory)), min(to, len(memory))
	return [][]byte{reply(from, memory[from:to], to == len(memory))}
}

// shown is a controller's output with a frame on it, when the controller has answered.
func shown(t *testing.T, h *holder, w, ht int, local string) (*netout.Output, *page.Frame) {
	t.Helper()
	o, err := netout.New(netout.Config{Address: h.conn.LocalAddr().String(), Local: local, Width: w, Height: ht, Protocol: new(ddp.Protocol), Probe: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	f := page.NewFrame(w, ht)
	for i := range f.Pix {
		f.Pix[i] = uint8(i * 7)
	}
	if err := o.Show(t.Context(), f, f.Bounds()); err != nil {
		t.Fatal(err)
	}
	if h.status {
		wait(t, func() bool { return o.Health().Link })
	}
	return o, f
}

func TestAControllersBufferIsReadBack(t *testing.T) {
	for name, read := range map[string]func(memory []byte, from, to int) [][]byte{
		"as asked": piece,
		"in two, and twice": func(memory []byte, from, to int) [][]byte {
			half := (from + to) / 2
			return [][]byte{reply(half, memory[half:to], true), reply(from, memory[from:half], false), reply(from, memory[from:half], false)}
		},
		"with a time, between nonsense": func(memory []byte, from, to int) [][]byte {
			timed := reply(from, memory[from:to], true)
			timed = append(append(timed[:10:10], 1, 2, 3, 4), timed[10:]...)
			timed[0] |= 0x10
			return [][]byte{reply(1<<20, memory[:6], true), reply(len(memory)-1, memory[:6], true), reply(0, memory[:6], true)[:12], timed}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range [][2]int{{2, 1}, {192, 32}, {192, 96}} {
				h := hold(t, 3*size[0]*size[1])
				h.set(func() { h.read = read })
				o, f := shown(t, h, size[0], size[1], "")
				wait(t, func() bool { // a loaded machine may take longer than is waited for
					d, ok := o.ReadBack()
					if ok && d != f.Digest() {
						t.Fatalf("%v: another frame", size)
					}
					return ok
				})
			}
		})
	}
}

// TestWhatWasNotReadIsNotClaimed: a controller that does not know questions, or not that
// one, or holds pictures in a form of its own, says nothing of what it shows.
func TestWhatWasNotReadIsNotClaimed(t *testing.T) {
	for name, x := range map[string]struct {
		status bool
		read   func(memory []byte, from, to int) [][]byte
		asked  int // for how often at the most; -1: as often as it answers
	}{
		// it may take a question for pixels, so it is not asked
		"knows no questions":    {false, piece, 0},
		"cannot be read":        {true, func([]byte, int, int) [][]byte { return [][]byte{reply(0, nil, true)} }, 1},
		"ignores it":            {true, func([]byte, int, int) [][]byte { return nil }, 3 * 8}, // and again within each
		"holds dimmed pictures": {true, func(m []byte, from, to int) [][]byte { return [][]byte{reply(from, make([]byte, to-from), true)} }, -1},
		"answers with a half":   {true, func(m []byte, from, to int) [][]byte { return [][]byte{reply(from, m[from:to/2], false)} }, -1},
		"is of another display": {true, func(m []byte, from, to int) [][]byte {
			b := reply(from, m[from:to], true)
			b[3] = 2
			return [][]byte{b}
		}, 3 * 8},
		"is of another version": {true, func(m []byte, from, to int) [][]byte {
			b := reply(from, m[from:to], true)
			b[0] ^= 0xc0
			return [][]byte{b}
		}, 3 * 8},
		"asks instead of answers": {true, func(m []byte, from, to int) [][]byte {
			b := reply(from, m[from:to], true)
			b[0] ^= 0x06
			return [][]byte{b}
		}, 3 * 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := hold(t, 3*20*2)
			h.set(func() { h.status, h.read = x.status, x.read })
			o, f := shown(t, h, 20, 2, "")
			for range 8 {
				if d, ok := o.ReadBack(); ok {
					t.Fatalf("read back: %v, that frame %v", d, d == f.Digest())
				}
			}
			h.set(func() {
				if x.asked >= 0 && h.asked > x.asked {
					t.Errorf("asked %d times", h.asked)
				}
			})
			if err := o.Show(t.Context(), f, f.Bounds()); err != nil {
				t.Errorf("and so takes no frames: %v", err)
			}
		})
	}
}

// TestABufferThatHeldTheFrameAndDoesNoMore: one that is believed is believed when it holds
// something else, too; but first the picture is sent again, for a datagram may be lost.
func TestABufferThatHeldTheFrameAndDoesNoMore(t *testing.T) {
	h := hold(t, 3*192*32)
	o, f := shown(t, h, 192, 32, "")
	wait(t, func() bool { d, ok := o.ReadBack(); return ok && d == f.Digest() })
	f.Pix[0] ^= 0xff
	h.set(func() { h.losing = 1 })
	if err := o.Show(t.Context(), f, f.Bounds()); err != nil {
		t.Fatal(err)
	}
	wait(t, func() bool { d, ok := o.ReadBack(); return ok && d == f.Digest() })
	f.Pix[0] ^= 0xff
	h.set(func() { h.losing = 1 << 30 }) // somebody else has it
	if err := o.Show(t.Context(), f, f.Bounds()); err != nil {
		t.Fatal(err)
	}
	wait(t, func() bool { d, ok := o.ReadBack(); return ok && d != f.Digest() })
}

// TestAControllerOfLessPixelsThanTheBoard: it says so by the end of its buffer, and gets no
// pictures until it is another one.
func TestAControllerOfLessPixelsThanTheBoard(t *testing.T) {
	for _, has := range []int{3 * 192 * 16, 1440 * 2, 3} {
		h := hold(t, has)
		o, f := shown(t, h, 192, 32, "")
		showing := func() error { return o.Show(t.Context(), f, f.Bounds()) }
		wait(t, func() bool {
			if _, ok := o.ReadBack(); ok {
				t.Fatal("a part was taken for the whole")
			}
			return errors.Is(showing(), display.ErrSize) && errors.Is(o.Health().Fault, display.ErrSize)
		})
		h.set(func() { h.memory = make([]byte, 3*192*32) })
		wait(t, func() bool { return showing() == nil })
		wait(t, func() bool { d, ok := o.ReadBack(); return ok && d == f.Digest() })
	}
}

// TestAnswersToThePortOfTheProtocol: some controllers answer there, wherever a question
// came from; what others send there counts for nothing.
func TestAnswersToThePortOfTheProtocol(t *testing.T) {
	ear := controller(t, "127.0.0.1:0")
	at := ear.LocalAddr().(*net.UDPAddr)
	ear.Close()
	h := hold(t, 3*20*2)
	h.set(func() { h.answer = at.Port })
	o, f := shown(t, h, 20, 2, at.String())
	wait(t, func() bool { d, ok := o.ReadBack(); return ok && d == f.Digest() })

	silent := hold(t, 3*20*2)
	silent.set(func() { silent.status = false })
	if _, err := netout.New(netout.Config{Address: silent.conn.LocalAddr().String(), Local: at.String(), Width: 2, Height: 1, Protocol: new(ddp.Protocol)}); err == nil {
		t.Error("two listen at one port")
	}
}

// noting is a protocol that remembers what was asked of it.
type noting struct {
	ddp.Protocol
	mu   sync.Mutex
	seen []string
}

func (n *noting) Answers(b []byte) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seen = append(n.seen, string(b))
	return n.Protocol.Answers(b)
}

func TestStrangersDoNotAnswerForAController(t *testing.T) {
	c := controller(t, "127.0.0.1:0")
	free := controller(t, "127.0.0.1:0")
	ear := free.LocalAddr().(*net.UDPAddr)
	free.Close()
	n := new(noting)
	o, err := netout.New(netout.Config{Address: c.LocalAddr().String(), Local: ear.String(), Width: 2, Height: 1, Protocol: n})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for n, from := range []string{"127.0.0.2:0", "127.0.0.1:0"} { // an address of its own, and the controller's
		if _, err := controller(t, from).WriteToUDP([]byte{0x45, 0, 0, 251, 0, 0, 0, 0, 0, 1, byte(n)}, ear); err != nil {
			t.Fatal(err)
		}
	}
	wait(t, func() bool { return o.Health().Link })
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.seen) != 1 || n.seen[0][10] != 1 {
		t.Errorf("%q", n.seen)
	}
}

// inquirer says what a test puts into it.
type inquirer struct {
	mu  sync.Mutex
	err error
	fed bool
}

func (i *inquirer) Ask(_ context.Context, fed bool) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fed = i.fed || fed
	return i.err
}

func TestWhatIsAskedBesideTheDatagrams(t *testing.T) {
	c := controller(t, "127.0.0.1:0")
	p, err := sacn.New(sacn.Config{CID: [16]byte{1}, Universe: 1}) // it knows no questions
	if err != nil {
		t.Fatal(err)
	}
	other := errors.New("no route")
	in := &inquirer{err: other}
	o, err := netout.New(netout.Config{Address: c.LocalAddr().String(), Width: 2, Height: 1, Protocol: p, Inquirer: in, Refresh: time.Millisecond, Probe: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	showing := func() error { return o.Show(t.Context(), frame(), image.Rectangle{}) }
	say := func(err error) { in.mu.Lock(); in.err = err; in.mu.Unlock() }
	if err := showing(); err != nil || o.Health().Link {
		t.Errorf("one that never answered: %v, link %t", err, o.Health().Link)
	}
	say(nil)
	wait(t, func() bool { return o.Health().Link && showing() == nil })
	wait(t, func() bool { in.mu.Lock(); defer in.mu.Unlock(); return in.fed })
	for _, err := range []error{display.ErrSize, netout.ErrOwn} {
		say(err)
		wait(t, func() bool { return errors.Is(showing(), err) && errors.Is(o.Health().Fault, err) })
		say(nil)
		wait(t, func() bool { return showing() == nil })
	}
	say(other)
	wait(t, func() bool { return errors.Is(showing(), netout.ErrSilent) })
}
