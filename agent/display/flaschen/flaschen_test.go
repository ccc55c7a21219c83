package flaschen_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/loa-vn/loa/agent/display/flaschen"
	"github.com/loa-vn/loa/agent/display/netout"
)

var _ netout.Protocol = (*flaschen.Protocol)(nil)

// receiver is a server's layer: it reads PPM as the format's definition says.
type receiver struct {
	t      *testing.T
	w, h   int
	layer  int
	pixels []byte
	tiles  int
}

func (r *receiver) take(b []byte) error {
	r.tiles++
	var w, h, x, y, z int
	n, err := fmt.Sscanf(string(b), "P6\n%d %d\n#FT: %d %d %d\n255\n", &w, &h, &x, &y, &z)
	if err != nil || n != 5 {
		r.t.Fatalf("header of %q: %v", b[:min(40, len(b))], err)
	}
	_, data, _ := bytes.Cut(b, []byte("\n255\n"))
	if len(data) != 3*w*h || z != r.layer || x < 0 || y < 0 || x+w > r.w || y+h > r.h {
		r.t.Fatalf("%dx%d at %d,%d,%d with %d bytes", w, h, x, y, z, len(data))
	}
	if len(b) > 1472 { // an Ethernet frame less the headers of IP and UDP
		r.t.Errorf("datagram of %d bytes would be cut up", len(b))
	}
	for row := range h {
		copy(r.pixels[3*((y+row)*r.w+x):], data[3*row*w:3*(row+1)*w])
	}
	return nil
}

func TestAServerShowsThePictureFromTiles(t *testing.T) {
	for _, size := range [][2]int{{128, 64}, {192, 32}, {1000, 3}, {1, 1}, {467, 2}} {
		p, err := flaschen.New(0)
		if err != nil {
			t.Fatal(err)
		}
		r := &receiver{t: t, w: size[0], h: size[1], pixels: make([]byte, 3*size[0]*size[1])}
		want := make([]byte, len(r.pixels))
		for i := range want {
			want[i] = byte(i * 3)
		}
		if err := p.Frame(want, size[0], size[1], r.take); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(r.pixels, want) {
			t.Errorf("%v: another picture from %d tiles", size, r.tiles)
		}
	}
}

func TestBlackCoversLowerLayers(t *testing.T) {
	p, err := flaschen.New(3)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{t: t, w: 2, h: 1, layer: 3, pixels: make([]byte, 6)}
	if err := p.Frame([]byte{0, 0, 0, 0, 9, 0}, 2, 1, r.take); err != nil {
		t.Fatal(err)
	}
	if want := []byte{1, 1, 1, 0, 9, 0}; !bytes.Equal(r.pixels, want) {
		t.Errorf("%v, want %v", r.pixels, want)
	}
	for _, layer := range []int{-1, 16} {
		if _, err := flaschen.New(layer); !errors.Is(err, flaschen.ErrConfig) {
			t.Errorf("layer %d: %v", layer, err)
		}
	}
}
