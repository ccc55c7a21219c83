package opus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

var (
	// ErrFormat is wrapped by errors that say what is wrong with a file: not Ogg, not
	// Opus, a bad checksum, a missing page, a stream that this reader does not take.
	ErrFormat = errors.New("opus: bad file")
	// ErrTruncated is wrapped when a file ends inside a page or a packet.
	ErrTruncated = errors.New("opus: file cut short")
)

// The numbers of RFC 3533, section 6.
const (
	headerSize  = 27
	maxSegments = 255
	maxBody     = maxSegments * 255

	flagContinued = 0x01
	flagFirst     = 0x02
	flagLast      = 0x04

	// noGranule is the granule position of a page on which no packet ends.
	noGranule = -1
)

// maxPacket bounds one packet. RFC 6716 gives 48 frames of 1,275 bytes and their
// lengths; nothing that is played can be longer.
const maxPacket = 48*(1275+2) + 7

// crcTable is read only; polynomial 0x04c11db7, most significant bit first, no
// reflection (RFC 3533, section 6, field 7).
var crcTable = func() (t [256]uint32) {
	for i := range t {
		r := uint32(i) << 24
		for range 8 {
			if r&0x80000000 != 0 {
				r = r<<1 ^ 0x04c11db7
			} else {
				r <<= 1
			}
		}
		t[i] = r
	}
	return t
}()

func crc(sum uint32, data []byte) uint32 {
	for _, b := range data {
		sum = sum<<8 ^ crcTable[byte(sum>>24)^b]
	}
	return sum
}

// page is one Ogg page. Its slices point into the reader's buffers and are good until
// the next page is read.
type page struct {
	flags    byte
	granule  int64
	serial   uint32
	sequence uint32
	lacing   []byte
	body     []byte
}

func (p *page) continued() bool { return p.flags&flagContinued != 0 }
func (p *page) last() bool      { return p.flags&flagLast != 0 }

// open says that the page's last packet goes on on the next page.
func (p *page) open() bool { return len(p.lacing) > 0 && p.lacing[len(p.lacing)-1] == 255 }

// ends says that at least one packet ends on the page.
func (p *page) ends() bool {
	for _, l := range p.lacing {
		if l < 255 {
			return true
		}
	}
	return false
}

// pager reads pages from a seekable source.
type pager struct {
	src    io.ReadSeeker
	offset int64 // of the next page
	head   [headerSize + maxSegments]byte
	body   []byte
	page   page
}

// seek makes the page at offset the next one.
func (p *pager) seek(offset int64) error {
	if _, err := p.src.Seek(offset, io.SeekStart); err != nil {
		return fmt.Errorf("opus: seek: %w", err)
	}
	p.offset = offset
	return nil
}

// header reads the next page's header and lacing, and returns the size of its body.
// At the end of the file it returns io.EOF.
func (p *pager) header() (size int, err error) {
	head := p.head[:headerSize]
	if n, err := io.ReadFull(p.src, head); err != nil {
		if n == 0 && errors.Is(err, io.EOF) {
			return 0, io.EOF
		}
		return 0, p.short(err)
	}
	if string(head[:4]) != "OggS" {
		return 0, fmt.Errorf("%w: no page at byte %d", ErrFormat, p.offset)
	}
	if head[4] != 0 {
		return 0, fmt.Errorf("%w: Ogg version %d", ErrFormat, head[4])
	}
	lacing := p.head[headerSize : headerSize+int(head[26])]
	if _, err := io.ReadFull(p.src, lacing); err != nil {
		return 0, p.short(err)
	}
	for _, l := range lacing {
		size += int(l)
	}
	p.page = page{
		flags:    head[5],
		granule:  int64(binary.LittleEndian.Uint64(head[6:])),
		serial:   binary.LittleEndian.Uint32(head[14:]),
		sequence: binary.LittleEndian.Uint32(head[18:]),
		lacing:   lacing,
	}
	return size, nil
}

func (p *pager) short(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: in the page at byte %d", ErrTruncated, p.offset)
	}
	return fmt.Errorf("opus: read: %w", err)
}

// next reads the next page whole and checks its sum. The page is good until the next
// call. At the end of the file it returns io.EOF.
func (p *pager) next() (*page, error) {
	size, err := p.header()
	if err != nil {
		return nil, err
	}
	if cap(p.body) < size {
		p.body = make([]byte, size, min(max(2*size, 4096), maxBody))
	}
	p.page.body = p.body[:size]
	if _, err := io.ReadFull(p.src, p.page.body); err != nil {
		return nil, p.short(err)
	}
	want := binary.LittleEndian.Uint32(p.head[22:])
	clear(p.head[22:26])
	got := crc(crc(0, p.head[:headerSize+len(p.page.lacing)]), p.page.body)
	if got != want {
		return nil, fmt.Errorf("%w: checksum of the page at byte %d", ErrFormat, p.offset)
	}
	p.offset += int64(headerSize + len(p.page.lacing) + size)
	return &p.page, nil
}

// skip reads the next page's header and moves past its body, unread and unchecked,
// for a file of fileSize bytes.
func (p *pager) skip(fileSize int64) (*page, error) {
	size, err := p.header()
	if err != nil {
		return nil, err
	}
	end := p.offset + int64(headerSize+len(p.page.lacing)+size)
	if end > fileSize {
		return nil, p.short(io.ErrUnexpectedEOF)
	}
	return &p.page, p.seek(end)
}
