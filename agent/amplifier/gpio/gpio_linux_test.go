package gpio

import (
	"encoding/binary"
	"os"
	"testing"
	"unsafe"
)

// TestTheRequestIsTheKernels: sizes and places of linux/gpio.h, which the ioctls' numbers
// carry as well.
func TestTheRequestIsTheKernels(t *testing.T) {
	r := request(17, true)
	if unsafe.Sizeof(r) != 0x250 || r.Offsets[0] != 17 || r.Num_lines != 1 {
		t.Errorf("%d bytes, line %d of %d", unsafe.Sizeof(r), r.Offsets[0], r.Num_lines)
	}
	if r.Config.Flags != flagOutput|flagActiveLow || r.Config.Attrs[0].Attr.Flags != 0 || r.Config.Attrs[0].Mask != 1 {
		t.Errorf("flags %b, first value %b", r.Config.Flags, r.Config.Attrs[0].Attr.Flags)
	}
}

func TestAChipThatIsNotThereIsAnError(t *testing.T) {
	if _, err := Open(t.TempDir()+"/gpiochip9", 1, false); err == nil {
		t.Error("opened")
	}
	file := t.TempDir() + "/chip"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, 1, false); err == nil {
		t.Error("a file was taken for a chip")
	}
}

// A button is an input with both edges, pulled to where it is let go, without chatter.
func TestTheRequestOfAButtonIsTheKernels(t *testing.T) {
	for _, low := range []bool{false, true} {
		r := listening(27, low)
		want := uint64(1<<2 | 1<<4 | 1<<5 | 1<<9)
		if low {
			want = 1<<2 | 1<<4 | 1<<5 | 1<<8 | 1<<1
		}
		a := r.Config.Attrs[0]
		if r.Offsets[0] != 27 || r.Config.Flags != want || a.Attr.Id != 3 || *(*uint32)(unsafe.Pointer(&a.Attr.Flags)) != 10_000 || a.Mask != 1 {
			t.Errorf("active low %t: flags %b, attribute %+v", low, r.Config.Flags, a)
		}
	}
	if _, err := Listen(t.TempDir()+"/gpiochip9", 1, false); err == nil {
		t.Error("opened")
	}
}

// The kernel tells edges in records of 48 bytes (struct gpio_v2_line_event); a pipe
// stands for its line.
func TestAButtonsEdgesAreRead(t *testing.T) {
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	line := &Input{out}
	for _, id := range []uint32{1, 9, 2} {
		var record [48]byte
		binary.NativeEndian.PutUint64(record[:], 123456789) // when
		binary.NativeEndian.PutUint32(record[8:], id)
		if _, err := in.Write(record[:]); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []bool{true, false} {
		if got, err := line.Next(); err != nil || got != want {
			t.Errorf("active %t (%v), want %t", got, err, want)
		}
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := line.Next(); err == nil {
		t.Error("a line that is gone tells something")
	}
	if err := line.Close(); err != nil {
		t.Error(err)
	}
}
