package broker

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// However the stream is cut, acknowledgements come out and the rest stays.
func FuzzAckFilterTakesAcknowledgementsOutOnly(f *testing.F) {
	f.Add([]byte{0x40, 2, 0, 7, 0xc0, 0, 0x30, 3, 'a', 0x40, 2, 0x40, 2, 1, 2}, uint8(1))
	f.Add([]byte{0x40, 3, 0, 7, 9, 0x40, 2, 0, 1, 0x40}, uint8(2))
	f.Add(append([]byte{0x32, 0x80, 0x01}, bytes.Repeat([]byte{0x40}, 140)...), uint8(5))
	f.Fuzz(func(t *testing.T, stream []byte, cut uint8) {
		type result struct {
			Rest []byte
			IDs  []uint16
		}
		run := func(step int) result {
			var r result
			var filter ackFilter
			for rest := bytes.Clone(stream); len(rest) > 0; {
				n := min(step, len(rest))
				part := bytes.Clone(rest[:n])
				r.Rest = append(r.Rest, filter.strip(part, func(id uint16) { r.IDs = append(r.IDs, id) })...)
				rest = rest[n:]
			}
			r.Rest = append(r.Rest, filter.held[:filter.n]...)
			return r
		}
		protocoltest.HoldMemory(t, "stream", len(stream), func() {
			var filter ackFilter
			filter.strip(bytes.Clone(stream), func(uint16) {})
		})
		whole, cutUp := run(len(stream)+1), run(int(cut)+1)
		if diff := cmp.Diff(whole, cutUp); diff != "" {
			t.Errorf("cut every %d bytes (-whole +cut):\n%s", cut+1, diff)
		}
		if len(whole.Rest)+4*len(whole.IDs) != len(stream) {
			t.Errorf("%d bytes came, %d stay and %d are acknowledgements", len(stream), len(whole.Rest), len(whole.IDs))
		}
	})
}
