package transcode

import (
	"bytes"
	"encoding/binary"
	"time"
)

// quietPacket is 20 ms of nothing, as Opus (CELT, full band, mono) has it.
var quietPacket = [3]byte{0xf8, 0xff, 0xfe}

const (
	frameSamples   = Rate / 50
	packetsPerPage = 50
)

// Silence returns an Ogg Opus file of nothing, of exactly d rounded up to a
// frame of 20 ms. The same length gives the same bytes.
func Silence(d time.Duration) (ogg []byte, frames int64) {
	packets := int((d + 20*time.Millisecond - 1) / (20 * time.Millisecond))
	head := append([]byte("OpusHead"), 1, 1, 0, 0)
	head = binary.LittleEndian.AppendUint32(head, Rate)
	head = append(head, 0, 0, 0)
	tags := opusTags(TargetRadio)
	ogg = page{flags: 2, serial: serial, segments: lacing(len(head)), body: head}.append(nil)
	ogg = page{serial: serial, sequence: 1, segments: lacing(len(tags)), body: tags}.append(ogg)
	for done, n := 0, uint32(2); done < packets; n++ {
		count := min(packetsPerPage, packets-done)
		done += count
		p := page{
			granule: int64(done) * frameSamples, serial: serial, sequence: n,
			segments: bytes.Repeat([]byte{byte(len(quietPacket))}, count), body: bytes.Repeat(quietPacket[:], count),
		}
		if done == packets {
			p.flags = 4
		}
		ogg = p.append(ogg)
	}
	return ogg, int64(packets) * frameSamples
}
