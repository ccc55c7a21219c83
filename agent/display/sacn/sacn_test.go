package sacn_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/loa-vn/loa/agent/display/netout"
	"github.com/loa-vn/loa/agent/display/sacn"
)

var _ netout.Protocol = (*sacn.Protocol)(nil)

func config() sacn.Config {
	return sacn.Config{CID: [16]byte{1, 2, 3}, Source: "Bảng tin thôn Đông", Universe: 5, Priority: 100}
}

// receiver keeps the slots of each universe and complains of everything that
// E1.31-2018 forbids.
type receiver struct {
	t     *testing.T
	slots map[uint16][]byte
	seq   map[uint16]uint8
	ended map[uint16]int
}

func newReceiver(t *testing.T) *receiver {
	return &receiver{t, map[uint16][]byte{}, map[uint16]uint8{}, map[uint16]int{}}
}

func (r *receiver) take(b []byte) error {
	be := binary.BigEndian
	if len(b) != 638 {
		r.t.Fatalf("datagram of %d bytes", len(b))
	}
	for _, pdu := range []struct{ at, vectorAt, vectorLen, vector int }{{16, 18, 4, 4}, {38, 40, 4, 2}, {115, 117, 1, 2}} {
		if fl := be.Uint16(b[pdu.at:]); fl>>12 != 7 || int(fl&0xfff) != len(b)-pdu.at {
			r.t.Errorf("flags and length %#x at %d", fl, pdu.at)
		}
		vector := 0
		for _, v := range b[pdu.vectorAt : pdu.vectorAt+pdu.vectorLen] {
			vector = vector<<8 | int(v)
		}
		if vector != pdu.vector {
			r.t.Errorf("vector %d at %d", vector, pdu.vectorAt)
		}
	}
	if be.Uint16(b) != 0x10 || be.Uint16(b[2:]) != 0 || string(b[4:16]) != "ASC-E1.17\x00\x00\x00" {
		r.t.Errorf("preamble %x", b[:16])
	}
	want := config()
	if !bytes.Equal(b[22:38], want.CID[:]) || strings.TrimRight(string(b[44:108]), "\x00") != want.Source || b[107] != 0 || b[108] != 100 {
		r.t.Errorf("source %x %q, priority %d", b[22:38], b[44:108], b[108])
	}
	if be.Uint16(b[109:]) != 0 || b[118] != 0xa1 || be.Uint16(b[119:]) != 0 || be.Uint16(b[121:]) != 1 || be.Uint16(b[123:]) != 513 || b[125] != 0 {
		r.t.Errorf("synchronisation or property fields %x %x", b[109:111], b[118:126])
	}
	universe, seq := be.Uint16(b[113:]), b[111]
	if before, known := r.seq[universe]; known && seq != before+1 {
		r.t.Errorf("universe %d: sequence %d after %d", universe, seq, before)
	}
	r.seq[universe] = seq
	switch b[112] {
	case 0:
		r.slots[universe] = bytes.Clone(b[126:])
	case 0x40:
		r.ended[universe]++
	default:
		r.t.Errorf("options %#x", b[112])
	}
	return nil
}

func TestAReceiverHasThePictureInItsUniverses(t *testing.T) {
	p, err := sacn.New(config())
	if err != nil {
		t.Fatal(err)
	}
	r := newReceiver(t)
	want := make([]byte, 3*192*32)
	for round := range 300 { // the sequence wraps at 256
		for i := range want {
			want[i] = byte(i*5 + round)
		}
		if err := p.Frame(want, 192, 32, r.take); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.slots) != 37 {
		t.Errorf("%d universes, want 37", len(r.slots))
	}
	var got []byte
	for i := range len(r.slots) {
		slots := r.slots[uint16(5+i)]
		got = append(got, slots[:510]...)
		if slots[510] != 0 || slots[511] != 0 {
			t.Errorf("slots 511 and 512 are %v", slots[510:])
		}
	}
	if !bytes.Equal(got[:len(want)], want) {
		t.Error("another picture")
	}
	if err := p.Last(r.take); err != nil {
		t.Fatal(err)
	}
	for u := range r.slots {
		if r.ended[u] != 3 {
			t.Errorf("universe %d: ended %d times", u, r.ended[u])
		}
	}
}

func TestAllUniversesAreEndedHoweverTheFirstGoes(t *testing.T) {
	p, err := sacn.New(config())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Frame(make([]byte, 1000), 1, 1, newReceiver(t).take); err != nil {
		t.Fatal(err)
	}
	gone, n := errors.New("gone"), 0
	err = p.Last(func([]byte) error {
		if n++; n == 2 {
			return gone
		}
		return nil
	})
	if !errors.Is(err, gone) || n != 6 {
		t.Errorf("%v after %d datagrams", err, n)
	}
}

func TestSourcesOutsideTheStandardAreRefused(t *testing.T) {
	for name, change := range map[string]func(*sacn.Config){
		"universe 0":     func(c *sacn.Config) { c.Universe = 0 },
		"universe 64000": func(c *sacn.Config) { c.Universe = 64000 },
		"priority 201":   func(c *sacn.Config) { c.Priority = 201 },
		"no CID":         func(c *sacn.Config) { c.CID = [16]byte{} },
		"long name":      func(c *sacn.Config) { c.Source = strings.Repeat("x", 64) },
	} {
		c := config()
		change(&c)
		if _, err := sacn.New(c); !errors.Is(err, sacn.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := config()
	c.Universe = sacn.MaxUniverse
	p, err := sacn.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Frame(make([]byte, 511), 1, 1, newReceiver(t).take); !errors.Is(err, sacn.ErrConfig) {
		t.Errorf("a picture past the last universe: %v", err)
	}
}
