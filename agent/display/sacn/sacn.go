// Package sacn makes the datagrams of streaming ACN (ANSI E1.31-2018), which
// stage and pixel controllers take on UDP port 5568.
//
// A picture is spread over universes of 170 pixels, from the first one on. It
// decides nothing about the picture and sends nothing itself; universe
// discovery and synchronisation packets are not made.
package sacn

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Port is the controllers' UDP port.
const Port = 5568

// Limits of the standard.
const (
	MaxUniverse = 63999
	MaxPriority = 200
)

const (
	pixels   = 170 // of three channels in a universe of 512
	slots    = 512
	size     = 126 + slots
	optEnd   = 0x40 // Stream_Terminated
	offSeq   = 111
	offOpt   = 112
	offUni   = 113
	offSlots = 126
)

// ErrConfig: a universe, priority or name outside the standard.
var ErrConfig = errors.New("not a streaming ACN source")

// Config names the source.
type Config struct {
	CID      [16]byte // the source's UUID, the same at every start
	Source   string   // for people, at most 63 bytes of UTF-8
	Universe int      // the first, 1 to MaxUniverse
	Priority int      // 0 to MaxPriority; 100 is usual
}

// Protocol counts the datagrams of each universe.
type Protocol struct {
	cfg Config
	seq []uint8 // by universe, from the first
	buf [size]byte
}

// New returns a protocol. Errors: ErrConfig.
func New(cfg Config) (*Protocol, error) {
	if cfg.Universe < 1 || cfg.Universe > MaxUniverse || cfg.Priority < 0 || cfg.Priority > MaxPriority || len(cfg.Source) > 63 || cfg.CID == [16]byte{} {
		return nil, fmt.Errorf("universe %d, priority %d, source %q: %w", cfg.Universe, cfg.Priority, cfg.Source, ErrConfig)
	}
	p := &Protocol{cfg: cfg}
	b := p.buf[:]
	be := binary.BigEndian
	// root layer
	be.PutUint16(b[0:], 0x0010)
	copy(b[4:], "ASC-E1.17\x00\x00\x00")
	be.PutUint16(b[16:], 0x7000|(size-16))
	be.PutUint32(b[18:], 4) // VECTOR_ROOT_E131_DATA
	copy(b[22:], cfg.CID[:])
	// framing layer
	be.PutUint16(b[38:], 0x7000|(size-38))
	be.PutUint32(b[40:], 2) // VECTOR_E131_DATA_PACKET
	copy(b[44:108], cfg.Source)
	b[108] = uint8(cfg.Priority)
	// DMP layer
	be.PutUint16(b[115:], 0x7000|(size-115))
	b[117] = 2    // VECTOR_DMP_SET_PROPERTY
	b[118] = 0xa1 // address and data type
	be.PutUint16(b[121:], 1)
	be.PutUint16(b[123:], slots+1) // with the start code, which is 0
	return p, nil
}

// Name returns "sacn".
func (p *Protocol) Name() string { return "sacn" }

// Frame sends one datagram a universe.
func (p *Protocol) Frame(rgb []byte, _, _ int, send func([]byte) error) error {
	n := (len(rgb) + 3*pixels - 1) / (3 * pixels)
	if p.cfg.Universe+n-1 > MaxUniverse {
		return fmt.Errorf("universes %d to %d: %w", p.cfg.Universe, p.cfg.Universe+n-1, ErrConfig)
	}
	for len(p.seq) < n {
		p.seq = append(p.seq, 0)
	}
	for i := range n {
		chunk := rgb[i*3*pixels : min((i+1)*3*pixels, len(rgb))]
		clear(p.buf[offSlots:])
		copy(p.buf[offSlots:], chunk)
		if err := p.universe(i, 0, send); err != nil {
			return err
		}
	}
	return nil
}

func (p *Protocol) universe(i int, options uint8, send func([]byte) error) error {
	p.buf[offSeq], p.buf[offOpt] = p.seq[i], options
	p.seq[i]++
	binary.BigEndian.PutUint16(p.buf[offUni:], uint16(p.cfg.Universe+i))
	return send(p.buf[:])
}

// Last says three times for each universe, as the standard asks, that it is over; of its
// errors it returns the first.
func (p *Protocol) Last(send func([]byte) error) error {
	clear(p.buf[offSlots:])
	var first error
	for range 3 {
		for i := range p.seq {
			if err := p.universe(i, optEnd, send); first == nil {
				first = err
			}
		}
	}
	return first
}

// Probe returns nil: receivers do not answer.
func (p *Protocol) Probe() []byte { return nil }

// Answers is false for everything.
func (p *Protocol) Answers([]byte) bool { return false }
