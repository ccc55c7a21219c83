package opus

import (
	"encoding/binary"
	"fmt"
)

// packets joins the segments of pages into packets, over page ends as well.
type packets struct {
	pager   *pager
	page    *page
	segment int // next lacing value of page
	at      int // next byte of page.body
	part    []byte
	partial bool // part holds the beginning of a packet
	drop    bool // the packet that goes on here began before the place of landing
}

// reset begins anew with the next page that pager reads; a packet that continues
// there is dropped.
func (k *packets) reset() {
	k.page, k.segment, k.at = nil, 0, 0
	k.part, k.partial, k.drop = k.part[:0], false, true
}

// land reads the page at pager's offset and passes over all packets that end on it, so
// that the next packet is the first one that ends on a later page.
func (k *packets) land() error {
	k.reset()
	k.drop = false
	if err := k.turn(); err != nil {
		return err
	}
	for at, i := 0, 0; i < len(k.page.lacing); {
		at += int(k.page.lacing[i])
		i++
		if k.page.lacing[i-1] < 255 {
			k.segment, k.at = i, at
		}
	}
	return nil
}

// packet is one packet and where it ended.
type packet struct {
	data []byte // good until the next call
	// granule is the page's granule position if this is the last packet that ends on
	// its page, else noGranule.
	granule int64
	last    bool // the last packet of the stream
}

// next returns the next packet; io.EOF at the end of the file.
func (k *packets) next() (packet, error) {
	for {
		if k.page == nil || k.segment == len(k.page.lacing) {
			if err := k.turn(); err != nil {
				return packet{}, err
			}
			continue
		}
		begin, whole := k.at, false
		for k.segment < len(k.page.lacing) && !whole {
			l := k.page.lacing[k.segment]
			k.segment++
			k.at += int(l)
			whole = l < 255
		}
		data := k.page.body[begin:k.at]
		if k.drop {
			k.drop = !whole
			continue
		}
		if len(k.part)+len(data) > maxPacket {
			return packet{}, fmt.Errorf("%w: packet longer than %d bytes", ErrFormat, maxPacket)
		}
		if k.partial || !whole {
			k.part = append(k.part, data...)
			data = k.part
		}
		if !whole {
			k.partial = true
			continue
		}
		k.part, k.partial = k.part[:0], false
		p := packet{data: data, granule: noGranule}
		if !k.more() {
			p.granule = k.page.granule
			p.last = k.page.last()
		}
		return p, nil
	}
}

// more says whether another packet ends on this page.
func (k *packets) more() bool {
	for _, l := range k.page.lacing[k.segment:] {
		if l < 255 {
			return true
		}
	}
	return false
}

// turn goes on to the next page, which must follow the last one.
func (k *packets) turn() error {
	var sequence, serial uint32
	follows := k.page != nil
	if follows {
		sequence, serial = k.page.sequence+1, k.page.serial
	}
	p, err := k.pager.next()
	if err != nil {
		return err
	}
	if follows {
		if p.serial != serial || p.sequence != sequence {
			return fmt.Errorf("%w: page %d of stream %d where page %d of stream %d belongs",
				ErrFormat, p.sequence, p.serial, sequence, serial)
		}
		if p.continued() != k.partial && !k.drop {
			return fmt.Errorf("%w: page %d and the one before it disagree about a packet over their border",
				ErrFormat, p.sequence)
		}
	}
	if !p.continued() {
		k.drop = false
	}
	k.page, k.segment, k.at = p, 0, 0
	return nil
}

// duration is the number of 48 kHz frames in a packet, by its first one or two bytes
// (RFC 6716, section 3.1 and 3.2): at most 120 ms.
func duration(data []byte) (int, error) {
	if len(data) == 0 {
		return 0, fmt.Errorf("%w: empty packet", ErrFormat)
	}
	var frame int
	switch config := data[0] >> 3; {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		frame = [4]int{480, 960, 1920, 2880}[config&3]
	case config < 16: // hybrid: 10, 20 ms
		frame = [2]int{480, 960}[config&1]
	default: // CELT: 2.5, 5, 10, 20 ms
		frame = 120 << (config & 3)
	}
	count := 1
	switch data[0] & 3 {
	case 1, 2:
		count = 2
	case 3:
		if len(data) < 2 {
			return 0, fmt.Errorf("%w: packet without its frame count", ErrFormat)
		}
		count = int(data[1] & 0x3f)
	}
	total := frame * count
	if count == 0 || total > maxFrames {
		return 0, fmt.Errorf("%w: packet of %d frames of %d", ErrFormat, count, frame)
	}
	return total, nil
}

// maxFrames is 120 ms, the longest packet.
const maxFrames = 5760

// head is an identification header (RFC 7845, section 5.1).
type head struct {
	channels int
	preSkip  int
	gain     int16 // Q7.8 dB
}

func parseHead(data []byte) (head, error) {
	if len(data) < 19 || string(data[:8]) != "OpusHead" {
		return head{}, fmt.Errorf("%w: no Opus stream", ErrFormat)
	}
	if version := data[8]; version>>4 != 0 {
		return head{}, fmt.Errorf("%w: Opus header version %d", ErrFormat, version)
	}
	h := head{
		channels: int(data[9]),
		preSkip:  int(binary.LittleEndian.Uint16(data[10:])),
		gain:     int16(binary.LittleEndian.Uint16(data[16:])),
	}
	if family := data[18]; family != 0 || h.channels < 1 || h.channels > 2 {
		return head{}, fmt.Errorf("%w: %d channels of mapping family %d; one or two of family 0 are played",
			ErrFormat, h.channels, family)
	}
	return h, nil
}
