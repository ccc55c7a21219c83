package speech

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// PCM is mono sound.
type PCM struct {
	Rate    int // samples a second, 8,000 to 96,000
	Samples []int16
}

// errWAV: not a WAV file with 16-bit PCM.
var errWAV = errors.New("not a 16-bit PCM WAV file")

// ParseWAV reads a RIFF WAVE file with 16-bit PCM of one or more channels, which
// are averaged. A data size beyond the end (as programs write that stream to a
// pipe) means "up to the end".
func ParseWAV(b []byte) (PCM, error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return PCM{}, errWAV
	}
	channels, rate := 0, 0
	for rest := b[12:]; len(rest) >= 8; {
		id, size := string(rest[:4]), int64(binary.LittleEndian.Uint32(rest[4:8]))
		rest = rest[8:]
		body := rest[:min(size, int64(len(rest)))]
		switch id {
		case "fmt ":
			if len(body) < 16 {
				return PCM{}, fmt.Errorf("short format: %w", errWAV)
			}
			format := binary.LittleEndian.Uint16(body)
			channels = int(binary.LittleEndian.Uint16(body[2:]))
			rate = int(binary.LittleEndian.Uint32(body[4:]))
			bits := binary.LittleEndian.Uint16(body[14:])
			if format != 1 && format != 0xFFFE || bits != 16 || channels < 1 || channels > 8 || rate < 8000 || rate > 96000 {
				return PCM{}, fmt.Errorf("format %d, %d bits, %d channels, %d Hz: %w", format, bits, channels, rate, errWAV)
			}
		case "data":
			if channels == 0 {
				return PCM{}, fmt.Errorf("data before format: %w", errWAV)
			}
			return PCM{Rate: rate, Samples: mix(body, channels)}, nil
		}
		rest = rest[min(size+size&1, int64(len(rest))):]
	}
	return PCM{}, fmt.Errorf("no data: %w", errWAV)
}

func mix(b []byte, channels int) []int16 {
	frame := 2 * channels
	out := make([]int16, len(b)/frame)
	for i := range out {
		sum := 0
		for c := range channels {
			sum += int(int16(binary.LittleEndian.Uint16(b[i*frame+2*c:])))
		}
		out[i] = int16(sum / channels)
	}
	return out
}

// WriteWAV writes s as a RIFF WAVE file.
func WriteWAV(w io.Writer, s PCM) error {
	if err := writeHeader(w, s.Rate, uint32(36+2*len(s.Samples)), uint32(2*len(s.Samples))); err != nil {
		return err
	}
	return WriteSamples(w, s.Samples)
}

// endless is the size of what grows: players take it as "up to the end".
const endless = 0xFFFFFFFF

// WriteWAVHeader begins a RIFF WAVE file whose length is not known yet; samples
// follow by WriteSamples.
func WriteWAVHeader(w io.Writer, rate int) error { return writeHeader(w, rate, endless, endless) }

func writeHeader(w io.Writer, rate int, riff, data uint32) error {
	head := make([]byte, 44)
	copy(head, "RIFF")
	binary.LittleEndian.PutUint32(head[4:], riff)
	copy(head[8:], "WAVEfmt ")
	binary.LittleEndian.PutUint32(head[16:], 16)
	binary.LittleEndian.PutUint16(head[20:], 1)
	binary.LittleEndian.PutUint16(head[22:], 1)
	binary.LittleEndian.PutUint32(head[24:], uint32(rate))
	binary.LittleEndian.PutUint32(head[28:], uint32(rate*2))
	binary.LittleEndian.PutUint16(head[32:], 2)
	binary.LittleEndian.PutUint16(head[34:], 16)
	copy(head[36:], "data")
	binary.LittleEndian.PutUint32(head[40:], data)
	if _, err := w.Write(head); err != nil {
		return fmt.Errorf("write wav: %w", err)
	}
	return nil
}

// WriteSamples writes what follows the header of a WAV file.
func WriteSamples(w io.Writer, samples []int16) error {
	b := make([]byte, 0, 2*len(samples))
	for _, v := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write wav: %w", err)
	}
	return nil
}

// Silence appends a pause.
func (s *PCM) Silence(d time.Duration) {
	s.Samples = append(s.Samples, make([]int16, int(d.Seconds()*float64(s.Rate)))...)
}
