package opus

import (
	"errors"
	"fmt"
	"io"
	"math"

	pion "github.com/pion/opus"
)

// preRoll is how much is decoded and thrown away before a position that was sought,
// so that the decoder has converged there. RFC 7845, section 4.6, asks for 80 ms, but
// with speech in SILK's modes that can still leave noise louder than the voice for
// 200 ms; 400 ms is inaudible and costs a few milliseconds. TestResume measures it.
const preRoll = 19200

// maxMarks bounds the index of pages; a longer file gets a sparser one.
const maxMarks = 1024

// mark is a page on which a packet ends.
type mark struct {
	offset  int64 // of the page in the file
	granule int64 // position at the end of the last packet that ends on it
}

// Reader is an open Ogg Opus file; it is a player.Source. It is used by one goroutine
// at a time.
type Reader struct {
	src     io.ReadSeeker
	pager   pager
	packets packets
	head    head
	base    int64 // granule position at which the first packet begins
	audio   int64 // offset of the first page with sound
	end     int64 // granule position of the stream's end
	marks   []mark

	decoder pion.Decoder
	scale   float64 // output gain, linear; 1 leaves the samples as they are
	pcm     []int16 // one decoded packet
	ready   []int16 // what of pcm is still to be given out
	at      int64   // granule position of the next packet's first frame
	begin   int64   // nothing before this position is given out
	err     error
}

// Open reads the headers of the Ogg Opus file in src from its beginning, and the
// headers of all its pages, which gives the exact length; sums are checked when a page
// is played. If src is an io.Closer, Close closes it; Open does not.
//
// Errors wrap ErrFormat or ErrTruncated, or are those of src.
func Open(src io.ReadSeeker) (*Reader, error) {
	r := &Reader{src: src, pager: pager{src: src}}
	r.packets.pager = &r.pager
	size, err := src.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("opus: seek: %w", err)
	}
	if err := r.pager.seek(0); err != nil {
		return nil, err
	}
	if err := r.readHeaders(); err != nil {
		return nil, unexpected(err)
	}
	if err := r.index(size); err != nil {
		return nil, unexpected(err)
	}
	r.pcm = make([]int16, maxFrames*r.head.channels)
	r.scale = math.Pow(10, float64(r.head.gain)/(20*256))
	if err := r.SeekFrame(0); err != nil {
		return nil, err
	}
	return r, nil
}

// unexpected makes the end of a file where something must follow an ErrTruncated.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: the stream has no end", ErrTruncated)
	}
	return err
}

// readHeaders reads the identification header and passes over the comments, however
// long, to the first page with sound.
func (r *Reader) readHeaders() error {
	p, err := r.pager.next()
	if err != nil {
		return err
	}
	if p.flags&flagFirst == 0 || p.open() {
		return fmt.Errorf("%w: does not begin with a header page", ErrFormat)
	}
	if r.head, err = parseHead(p.body); err != nil {
		return err
	}
	serial := p.serial
	for first := true; ; first = false {
		p, err := r.pager.next()
		if err != nil {
			return err
		}
		if p.serial != serial || p.flags&flagFirst != 0 {
			return fmt.Errorf("%w: more than one stream", ErrFormat)
		}
		if first && (len(p.body) < 8 || string(p.body[:8]) != "OpusTags") {
			return fmt.Errorf("%w: no comment header", ErrFormat)
		}
		if p.ends() {
			break
		}
	}
	r.audio = r.pager.offset
	return nil
}

// index walks over the headers of all pages with sound, and finds the positions of the
// stream's beginning and end.
func (r *Reader) index(size int64) error {
	if err := r.findBase(); err != nil {
		return err
	}
	if err := r.pager.seek(r.audio); err != nil {
		return err
	}
	var (
		serial, sequence uint32
		count, stride    = 0, 1
		previous         = r.base
	)
	for first := true; ; first = false {
		offset := r.pager.offset
		p, err := r.pager.skip(size)
		if err != nil {
			return err // io.EOF too: the last page says that it is the last
		}
		if first {
			serial, sequence = p.serial, p.sequence
		}
		if p.serial != serial || p.sequence != sequence {
			return fmt.Errorf("%w: page %d of stream %d where page %d of stream %d belongs",
				ErrFormat, p.sequence, p.serial, sequence, serial)
		}
		sequence++
		if p.ends() {
			if p.granule < previous {
				return fmt.Errorf("%w: position %d after %d", ErrFormat, p.granule, previous)
			}
			previous = p.granule
			if count%stride == 0 {
				r.marks = append(r.marks, mark{offset, p.granule})
			}
			if count++; len(r.marks) == maxMarks {
				stride *= 2
				for i := range maxMarks / 2 {
					r.marks[i] = r.marks[2*i]
				}
				r.marks = r.marks[:maxMarks/2]
			}
		}
		if p.last() {
			break
		}
	}
	if r.pager.offset != size {
		return fmt.Errorf("%w: something follows the stream's end", ErrFormat)
	}
	r.end = previous
	return nil
}

// findBase finds the position at which the first packet begins: zero, unless the stream
// was cut out of a longer one (RFC 7845, section 4.3 and 4.4).
func (r *Reader) findBase() error {
	r.packets.reset()
	for total := int64(0); ; {
		p, err := r.packets.next()
		if err != nil {
			return err
		}
		n, err := duration(p.data)
		if err != nil {
			return err
		}
		total += int64(n)
		if p.granule == noGranule {
			continue
		}
		switch {
		case p.granule >= total:
			r.base = p.granule - total
		case p.last && p.granule >= 0:
			r.base = 0
		default:
			return fmt.Errorf("%w: %d frames up to position %d", ErrFormat, total, p.granule)
		}
		return nil
	}
}

// Frames is the length of what can be heard, in 48 kHz frames: the last granule
// position less the first packet's beginning and the pre-skip.
func (r *Reader) Frames() int64 {
	return max(r.end-r.base-int64(r.head.preSkip), 0)
}

// Channels is 1 or 2.
func (r *Reader) Channels() int { return r.head.channels }

// Read fills dst with interleaved samples and returns the number of frames; io.EOF after
// exactly Frames frames, counted from the file's beginning.
func (r *Reader) Read(dst []int16) (int, error) {
	frames := 0
	for len(dst) >= r.head.channels {
		if len(r.ready) == 0 {
			if r.err == nil {
				r.err = r.decode()
			}
			if r.err != nil {
				break
			}
			continue
		}
		n := copy(dst[:len(dst)/r.head.channels*r.head.channels], r.ready)
		dst, r.ready = dst[n:], r.ready[n:]
		frames += n / r.head.channels
	}
	if frames > 0 && errors.Is(r.err, io.EOF) {
		return frames, nil
	}
	return frames, r.err
}

// decode makes the next packet's audible frames ready; there may be none.
func (r *Reader) decode() error {
	if r.at >= r.end {
		return io.EOF
	}
	p, err := r.packets.next()
	if err != nil {
		return unexpected(err)
	}
	n, err := duration(p.data)
	if err != nil {
		return err
	}
	first, next := r.at, r.at+int64(n)
	r.at = next
	if p.granule != noGranule && (p.granule > next || p.granule < next && !p.last) {
		return fmt.Errorf("%w: a packet ends at %d where its page says %d", ErrFormat, next, p.granule)
	}
	if p.last {
		r.at = max(next, r.end)
	}
	if next <= r.begin-preRoll {
		return nil
	}
	pcm := r.pcm[:n*r.head.channels]
	if err := r.decodePacket(p.data, pcm); err != nil {
		return err
	}
	if r.scale != 1 {
		amplify(pcm, r.scale)
	}
	from := min(max(r.begin-first, 0), int64(n))
	to := min(max(r.end-first, from), int64(n))
	c := int64(r.head.channels)
	r.ready = pcm[from*c : to*c]
	return nil
}

// decodePacket fills pcm with exactly the frames that the packet's first bytes promise.
// A packet without payload (discontinuous transmission) is silence.
func (r *Reader) decodePacket(data []byte, pcm []int16) (err error) {
	if len(data) == 1 {
		clear(pcm)
		return nil
	}
	defer func() {
		// The decoder is somebody else's and the packet is somebody's upload: what makes
		// it panic must not take the agent down.
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: the decoder gave up: %v", ErrFormat, v)
		}
	}()
	n, err := r.decoder.DecodeToInt16(data, pcm)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if n*r.head.channels != len(pcm) {
		return fmt.Errorf("%w: a packet of %d frames decoded to %d", ErrFormat, len(pcm)/r.head.channels, n)
	}
	return nil
}

func amplify(pcm []int16, scale float64) {
	for i, s := range pcm {
		v := math.RoundToEven(float64(s) * scale)
		pcm[i] = int16(min(max(v, math.MinInt16), math.MaxInt16))
	}
}

// SeekFrame moves to an audible frame, counted from 0. Decoding begins 400 ms before it.
// It also clears an error that Read met, so that another place can be tried.
func (r *Reader) SeekFrame(frame int64) error {
	if frame < 0 {
		return fmt.Errorf("opus: seek to frame %d", frame)
	}
	r.begin = r.base + int64(r.head.preSkip) + min(frame, r.Frames())
	r.ready, r.err = nil, nil
	decoder, err := pion.NewDecoderWithOutput(48000, r.head.channels)
	if err != nil {
		return fmt.Errorf("opus: decoder: %w", err)
	}
	r.decoder = decoder
	r.packets.reset()

	landing, found := r.landing(r.begin - preRoll)
	if !found {
		r.at = r.base
		return r.pager.seek(r.audio)
	}
	if err := r.pager.seek(landing.offset); err != nil {
		return err
	}
	r.at = landing.granule
	if r.at >= r.end {
		return nil // nothing follows
	}
	return unexpected(r.packets.land())
}

// landing is the last page in the index that ends at or before position.
func (r *Reader) landing(position int64) (m mark, found bool) {
	lo, hi := 0, len(r.marks)
	for lo < hi {
		mid := (lo + hi) / 2
		if r.marks[mid].granule <= position {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == 0 {
		return mark{}, false
	}
	return r.marks[lo-1], true
}

// Close closes the source that Open was given, if it can be closed.
func (r *Reader) Close() error {
	if c, ok := r.src.(io.Closer); ok {
		if err := c.Close(); err != nil {
			return fmt.Errorf("opus: close: %w", err)
		}
	}
	return nil
}
