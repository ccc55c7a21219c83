package gpio

import (
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
