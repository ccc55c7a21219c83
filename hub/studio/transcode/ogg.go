package transcode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// errOgg: the file is not one logical stream of Ogg Opus.
var errOgg = errors.New("not an Ogg Opus file")

// serial is the serial number of every stream written here: files are one
// stream each, and the same sound must give the same bytes.
const serial = 0x616F6C // "loa"

// page is one Ogg page (RFC 3533 section 6).
type page struct {
	flags    byte
	granule  int64
	serial   uint32
	sequence uint32
	segments []byte // lacing values
	body     []byte
}

// readPage reads the page at the beginning of b and returns what follows it.
func readPage(b []byte) (page, []byte, error) {
	if len(b) < 27 || string(b[:4]) != "OggS" || b[4] != 0 {
		return page{}, nil, fmt.Errorf("no page: %w", errOgg)
	}
	p := page{
		flags:    b[5],
		granule:  int64(binary.LittleEndian.Uint64(b[6:])),
		serial:   binary.LittleEndian.Uint32(b[14:]),
		sequence: binary.LittleEndian.Uint32(b[18:]),
	}
	head := 27 + int(b[26])
	if len(b) < head {
		return page{}, nil, fmt.Errorf("cut page: %w", errOgg)
	}
	p.segments = b[27:head]
	size := 0
	for _, s := range p.segments {
		size += int(s)
	}
	if len(b) < head+size {
		return page{}, nil, fmt.Errorf("cut page: %w", errOgg)
	}
	p.body = b[head : head+size]
	if checksum(b[:head+size]) != binary.LittleEndian.Uint32(b[22:]) {
		return page{}, nil, fmt.Errorf("checksum of page %d: %w", p.sequence, errOgg)
	}
	return p, b[head+size:], nil
}

// append writes the page.
func (p page) append(b []byte) []byte {
	start := len(b)
	b = append(b, "OggS\x00"...)
	b = append(b, p.flags)
	b = binary.LittleEndian.AppendUint64(b, uint64(p.granule))
	b = binary.LittleEndian.AppendUint32(b, p.serial)
	b = binary.LittleEndian.AppendUint32(b, p.sequence)
	b = append(b, 0, 0, 0, 0, byte(len(p.segments)))
	b = append(b, p.segments...)
	b = append(b, p.body...)
	binary.LittleEndian.PutUint32(b[start+22:], checksum(b[start:]))
	return b
}

// checksum is Ogg's CRC-32: polynomial 0x04c11db7, not reflected, from 0, over
// the page with its checksum field taken as zero.
func checksum(b []byte) uint32 {
	var crc uint32
	for i, c := range b {
		if i >= 22 && i < 26 {
			c = 0
		}
		crc ^= uint32(c) << 24
		for range 8 {
			if crc&0x80000000 != 0 {
				crc = crc<<1 ^ 0x04c11db7
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}

// Length returns how many frames at 48 kHz a decoder gives for an Ogg Opus file
// of one stream: the last granule position, which holds the end trim, less the
// pre-skip (RFC 7845 section 4).
func Length(b []byte) (int64, error) {
	preskip, last := int64(-1), int64(-1)
	var id uint32
	for n := 0; len(b) > 0; n++ {
		p, rest, err := readPage(b)
		if err != nil {
			return 0, err
		}
		switch {
		case n == 0:
			if len(p.body) < 19 || string(p.body[:8]) != "OpusHead" {
				return 0, fmt.Errorf("no OpusHead: %w", errOgg)
			}
			preskip, id = int64(binary.LittleEndian.Uint16(p.body[10:])), p.serial
		case p.serial != id:
			return 0, fmt.Errorf("second stream: %w", errOgg)
		case p.granule >= 0:
			last = p.granule
		}
		b = rest
	}
	if preskip < 0 || last < preskip {
		return 0, fmt.Errorf("no sound: %w", errOgg)
	}
	return last - preskip, nil
}

// finishOgg gives the stream its fixed serial number, its output gain in dB (RFC
// 7845 section 5.1) and its tags, among them the further gain that a player would
// need to reach -23 LUFS from loudness (R128_TRACK_GAIN, section 5.2.1). It returns
// the file and its length in frames.
func finishOgg(b []byte, loudness, gain float64) ([]byte, int64, error) {
	frames, err := Length(b)
	if err != nil {
		return nil, 0, err
	}
	tags := opusTags(loudness)
	out := make([]byte, 0, len(b)+len(tags))
	for n := 0; len(b) > 0; n++ {
		p, rest, err := readPage(b)
		if err != nil {
			return nil, 0, err
		}
		switch n {
		case 0:
			p.body = bytes.Clone(p.body)
			binary.LittleEndian.PutUint16(p.body[16:], uint16(int16(math.Round(gain*256))))
		case 1:
			if !bytes.HasPrefix(p.body, []byte("OpusTags")) {
				return nil, 0, fmt.Errorf("no OpusTags on page 1: %w", errOgg)
			}
			p.body, p.segments = tags, lacing(len(tags))
		}
		p.serial = serial
		out = p.append(out)
		b = rest
	}
	return out, frames, nil
}

func opusTags(loudness float64) []byte {
	gain := int(math.Round((TargetRadio - loudness) * 256))
	gain = max(math.MinInt16, min(math.MaxInt16, gain))
	comments := []string{"R128_TRACK_GAIN=" + strconv.Itoa(gain)}
	b := []byte("OpusTags")
	add := func(s string) {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	add("loa")
	b = binary.LittleEndian.AppendUint32(b, uint32(len(comments)))
	for _, c := range comments {
		add(c)
	}
	return b
}

// lacing returns the segment table of one packet of size bytes, under 64 KiB.
func lacing(size int) []byte {
	return append(bytes.Repeat([]byte{255}, size/255), byte(size%255))
}
