package ddp_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/loa-vn/loa/agent/display/ddp"
	"github.com/loa-vn/loa/agent/display/netout"
)

var _ netout.Protocol = (*ddp.Protocol)(nil)

// receiver is a controller that shows what it has at a push, and complains of
// everything that the protocol's document forbids.
type receiver struct {
	t      *testing.T
	seq    uint8
	memory []byte
	shown  [][]byte
	count  int
}

func (r *receiver) take(b []byte) error {
	r.count++
	if len(b) < 10 || b[0]&0xc0 != 0x40 {
		r.t.Fatalf("no header of version 1: %x", b[:min(len(b), 10)])
	}
	if b[0]&^0x41 != 0 {
		r.t.Errorf("flags %08b: neither version nor push", b[0])
	}
	seq := b[1]
	if b[1] > 15 || seq == 0 || r.seq != 0 && seq != r.seq%15+1 {
		r.t.Errorf("sequence %d after %d", seq, r.seq)
	}
	r.seq = seq
	if b[2] != 0x0b || b[3] != 1 {
		r.t.Errorf("type %#x for display %d", b[2], b[3])
	}
	offset, length := binary.BigEndian.Uint32(b[4:]), int(binary.BigEndian.Uint16(b[8:]))
	if length != len(b)-10 || length > 1440 || offset%3 != 0 {
		r.t.Errorf("%d bytes at %d in a datagram of %d", length, offset, len(b))
	}
	if need := int(offset) + length; need > len(r.memory) {
		r.memory = append(r.memory, make([]byte, need-len(r.memory))...)
	}
	copy(r.memory[offset:], b[10:])
	if b[0]&1 != 0 {
		r.shown = append(r.shown, bytes.Clone(r.memory))
	}
	return nil
}

func picture(n, seed int) []byte {
	b := make([]byte, 3*n)
	for i := range b {
		b[i] = byte(i*7 + seed)
	}
	return b
}

func TestAReceiverShowsThePictureAtThePush(t *testing.T) {
	var p ddp.Protocol
	r := &receiver{t: t}
	for i, n := range []int{192 * 32, 1, 480, 481} {
		want, before := picture(n, i), r.count
		r.memory = nil
		if err := p.Frame(want, n, 1, r.take); err != nil {
			t.Fatal(err)
		}
		if len(r.shown) != i+1 || !bytes.Equal(r.shown[i], want) {
			t.Errorf("%d pixels: shown %d times, or another picture", n, len(r.shown))
		}
		if got := r.count - before; got != (n+479)/480 {
			t.Errorf("%d pixels in %d datagrams", n, got)
		}
	}
}

func TestSendersErrorsEndTheFrame(t *testing.T) {
	var p ddp.Protocol
	gone, n := errors.New("gone"), 0
	err := p.Frame(picture(2000, 0), 2000, 1, func([]byte) error { n++; return gone })
	if !errors.Is(err, gone) || n != 1 {
		t.Errorf("%v after %d datagrams", err, n)
	}
}

func TestStatusIsAskedAndAnswersAreKnown(t *testing.T) {
	var p ddp.Protocol
	if b := p.Probe(); len(b) != 10 || b[0] != 0x42 || b[3] != 251 {
		t.Errorf("probe %x", b)
	}
	for _, x := range []struct {
		b    []byte
		want bool
	}{
		{[]byte{0x44, 0, 0, 251, 0, 0, 0, 0, 0, 2, '{', '}'}, true},
		{[]byte{0x41, 1, 0x0b, 1, 0, 0, 0, 0, 0, 0}, false},
		{[]byte{0x84, 0, 0, 251, 0, 0, 0, 0, 0, 0}, false},
		{[]byte{0x44}, false},
		{nil, false},
	} {
		if p.Answers(x.b) != x.want {
			t.Errorf("%x is an answer: %v", x.b, !x.want)
		}
	}
}
