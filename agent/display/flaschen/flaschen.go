// Package flaschen makes the datagrams of the Flaschen-Taschen server, which
// drives HUB75 panels and takes tiles of a picture, as PPM files with an offset,
// on UDP port 1337 (https://github.com/hzeller/flaschen-taschen, doc/protocols.md).
//
// It decides nothing about the picture and sends nothing itself. Tiles are kept
// under the size at which networks cut datagrams up, so that a lost one costs a
// few rows and not the frame.
package flaschen

import (
	"errors"
	"fmt"
	"strconv"
)

// Port is the server's UDP port.
const Port = 1337

// MaxLayer is the highest layer; the server shows higher layers over lower ones.
const MaxLayer = 15

const maxTile = 1400 // bytes of pixels in a datagram

// ErrConfig: a layer that the server does not have.
var ErrConfig = errors.New("not a layer of the server")

// Protocol knows the layer.
type Protocol struct {
	layer int
	buf   []byte
}

// New returns a protocol for a layer, 0 to MaxLayer. Errors: ErrConfig.
func New(layer int) (*Protocol, error) {
	if layer < 0 || layer > MaxLayer {
		return nil, fmt.Errorf("%d: %w", layer, ErrConfig)
	}
	return &Protocol{layer: layer, buf: make([]byte, 0, maxTile+64)}, nil
}

// Name returns "flaschen".
func (p *Protocol) Name() string { return "flaschen" }

// Frame sends the picture as tiles, row by row. Black is transparent to the server
// in layers over 0, so there it is sent as the darkest grey.
func (p *Protocol) Frame(rgb []byte, width, height int, send func([]byte) error) error {
	w := min(width, maxTile/3)
	h := max(1, maxTile/3/w)
	for y := 0; y < height; y += h {
		for x := 0; x < width; x += w {
			tw, th := min(w, width-x), min(h, height-y)
			p.head(tw, th, x, y)
			for row := y; row < y+th; row++ {
				p.buf = append(p.buf, rgb[3*(row*width+x):3*(row*width+x+tw)]...)
			}
			if p.layer > 0 {
				opaque(p.buf[len(p.buf)-3*tw*th:])
			}
			if err := send(p.buf); err != nil {
				return err
			}
		}
	}
	return nil
}

// head begins a tile: PPM's magic number and size, the offset in a comment, the highest
// value of a colour.
func (p *Protocol) head(w, h, x, y int) {
	p.buf = append(p.buf[:0], "P6"...)
	for _, part := range []struct {
		before string
		n      int
	}{{"\n", w}, {" ", h}, {"\n#FT: ", x}, {" ", y}, {" ", p.layer}, {"\n", 255}} {
		p.buf = strconv.AppendInt(append(p.buf, part.before...), int64(part.n), 10)
	}
	p.buf = append(p.buf, '\n')
}

func opaque(rgb []byte) {
	for i := 0; i+2 < len(rgb); i += 3 {
		if rgb[i]|rgb[i+1]|rgb[i+2] == 0 {
			rgb[i], rgb[i+1], rgb[i+2] = 1, 1, 1
		}
	}
}

// Last sends nothing: the server drops layers over 0 by itself.
func (p *Protocol) Last(func([]byte) error) error { return nil }

// Probe returns nil: the server does not answer.
func (p *Protocol) Probe() []byte { return nil }

// Answers is false for everything.
func (p *Protocol) Answers([]byte) bool { return false }
