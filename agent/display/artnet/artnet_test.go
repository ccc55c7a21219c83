package artnet_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/loa-vn/loa/agent/display/artnet"
	"github.com/loa-vn/loa/agent/display/netout"
)

var _ netout.Protocol = (*artnet.Protocol)(nil)

// receiver keeps the channels of each port address and complains of everything
// that Art-Net 4 forbids.
type receiver struct {
	t        *testing.T
	channels map[int][]byte
	seq      map[int]uint8
	synced   int
}

func (r *receiver) take(b []byte) error {
	if len(b) < 14 || string(b[:8]) != "Art-Net\x00" || binary.BigEndian.Uint16(b[10:]) != 14 {
		r.t.Fatalf("no header of version 14: %x", b)
	}
	switch op := binary.LittleEndian.Uint16(b[8:]); op {
	case 0x5000:
		address, length := int(b[15])<<8|int(b[14]), int(binary.BigEndian.Uint16(b[16:]))
		if length != len(b)-18 || length%2 != 0 || length < 2 || length > 512 || b[15] > 127 {
			r.t.Errorf("length %d in a datagram of %d, net %d", length, len(b), b[15])
		}
		before, known := r.seq[address]
		if b[12] == 0 || known && b[12] != before%255+1 {
			r.t.Errorf("address %d: sequence %d after %d", address, b[12], before)
		}
		r.seq[address] = b[12]
		r.channels[address] = bytes.Clone(b[18:])
	case 0x5200:
		if len(b) != 14 {
			r.t.Errorf("ArtSync of %d bytes", len(b))
		}
		r.synced++
	default:
		r.t.Errorf("operation %#x", op)
	}
	return nil
}

func TestAReceiverHasThePictureInItsPortAddresses(t *testing.T) {
	const first = 0x00fe // goes on into the next net
	for _, sync := range []bool{false, true} {
		p, err := artnet.New(first, sync)
		if err != nil {
			t.Fatal(err)
		}
		r := &receiver{t: t, channels: map[int][]byte{}, seq: map[int]uint8{}}
		want := make([]byte, 3*57*9) // the last has an odd number of channels
		for round := range 300 {     // the sequence wraps at 255
			for i := range want {
				want[i] = byte(i*5 + round)
			}
			if err := p.Frame(want, 57, 9, r.take); err != nil {
				t.Fatal(err)
			}
		}
		var got []byte
		for i := range len(r.channels) {
			got = append(got, r.channels[first+i]...)
		}
		if len(r.channels) != 4 || !bytes.Equal(got[:len(want)], want) {
			t.Errorf("%d port addresses, or another picture", len(r.channels))
		}
		if sync != (r.synced == 300) {
			t.Errorf("%d ArtSync", r.synced)
		}
		if err := p.Last(r.take); err != nil {
			t.Error(err)
		}
	}
}

func TestPollsAreAnswered(t *testing.T) {
	p, err := artnet.New(0, false)
	if err != nil {
		t.Fatal(err)
	}
	if want := append([]byte("Art-Net\x00"), 0x00, 0x20, 0, 14, 0, 0); !bytes.Equal(p.Probe(), want) {
		t.Errorf("ArtPoll %x, want %x", p.Probe(), want)
	}
	reply := append([]byte("Art-Net\x00"), 0x00, 0x21)
	if !p.Answers(append(reply, make([]byte, 229)...)) || p.Answers(reply[:9]) || p.Answers(p.Probe()) {
		t.Error("answers are taken for something else, or the other way round")
	}
}

func TestAddressesOutsideTheProtocolAreRefused(t *testing.T) {
	for _, first := range []int{-1, artnet.MaxAddress + 1} {
		if _, err := artnet.New(first, false); !errors.Is(err, artnet.ErrConfig) {
			t.Errorf("%d: %v", first, err)
		}
	}
	p, err := artnet.New(artnet.MaxAddress, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Frame(make([]byte, 513), 1, 1, func([]byte) error { return nil }); !errors.Is(err, artnet.ErrConfig) {
		t.Errorf("a picture past the last address: %v", err)
	}
}
