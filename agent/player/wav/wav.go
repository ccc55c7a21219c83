// Package wav is a sink that writes what would sound into WAV files, one a track, at
// the pace of a sound card.
//
// It decides the names of the files and keeps each of them readable at any moment, so
// that an agent that is killed leaves what had sounded until then. It never overwrites
// a file, and writes no silence between tracks.
package wav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/feed"
)

// ErrFormat is wrapped by Read's refusals of what is not a WAV file of 16 bit PCM.
var ErrFormat = errors.New("wav: not 16 bit PCM")

// headerSize is that of a RIFF header with one fmt and one data chunk.
const headerSize = 44

// batch is how much is written to the file at once: 100 ms.
const batch = player.Rate / 10

// tries is how many files of one name there may be.
const tries = 1000

// New returns a sink of one or two channels that writes into dir, which it creates.
// The file of a track is dir/{Track.Name}.wav, or {Track.Name}-2.wav and so on if that
// exists, as after a resume.
func New(dir string, channels int) (*feed.Paced, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("wav: %w", err)
	}
	return feed.NewPaced(channels, &files{dir: dir, channels: channels}), nil
}

// files writes spans into the file of their track.
type files struct {
	dir      string
	channels int
	serial   int
	file     *Writer
	buf      []int16
}

func (f *files) Take(span feed.Span, pcm []int16) error {
	if f.file == nil || span.Serial != f.serial {
		if err := f.Idle(); err != nil {
			return err
		}
		file, err := create(f.dir, span.Track, f.channels)
		if err != nil {
			return err
		}
		f.file, f.serial = file, span.Serial
	}
	f.buf = append(f.buf, pcm...)
	if len(f.buf) < batch*f.channels {
		return nil
	}
	return f.flush()
}

func (f *files) flush() error {
	err := f.file.Write(f.buf)
	f.buf = f.buf[:0]
	return err
}

// Idle finishes the file that is open.
func (f *files) Idle() error {
	if f.file == nil {
		return nil
	}
	err := errors.Join(f.flush(), f.file.Close())
	f.file = nil
	return err
}

// create makes a new file for a track.
func create(dir, name string, channels int) (*Writer, error) {
	if name == "" {
		name = "track"
	}
	for i := 1; i <= tries; i++ {
		path := filepath.Join(dir, name+".wav")
		if i > 1 {
			path = filepath.Join(dir, fmt.Sprintf("%s-%d.wav", name, i))
		}
		w, err := Create(path, channels)
		if !errors.Is(err, os.ErrExist) {
			return w, err
		}
	}
	return nil, fmt.Errorf("wav: %d files of the name %s", tries, name)
}

// Writer writes one WAV file of 48 kHz, 16 bit.
type Writer struct {
	file *os.File
	size int64 // of the data
	raw  []byte
}

// Create makes a new file; it fails with os.ErrExist if there is one.
func Create(path string, channels int) (*Writer, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("wav: %w", err)
	}
	w := &Writer{file: file}
	if _, err := file.Write(header(channels)); err != nil {
		return nil, errors.Join(fmt.Errorf("wav: %w", err), file.Close())
	}
	return w, nil
}

func header(channels int) []byte {
	h := make([]byte, 0, headerSize)
	h = append(h, "RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00"...)
	h = binary.LittleEndian.AppendUint16(h, uint16(channels))
	h = binary.LittleEndian.AppendUint32(h, player.Rate)
	h = binary.LittleEndian.AppendUint32(h, uint32(player.Rate*channels*2))
	h = binary.LittleEndian.AppendUint16(h, uint16(channels*2))
	return append(h, "\x10\x00data\x00\x00\x00\x00"...)
}

// Write appends samples, then corrects the sizes in the header: at no moment does the
// header promise more than the file holds.
func (w *Writer) Write(pcm []int16) error {
	if len(pcm) == 0 {
		return nil
	}
	w.raw = w.raw[:0]
	for _, s := range pcm {
		w.raw = binary.LittleEndian.AppendUint16(w.raw, uint16(s))
	}
	if _, err := w.file.WriteAt(w.raw, headerSize+w.size); err != nil {
		return fmt.Errorf("wav: %w", err)
	}
	w.size += int64(len(w.raw))
	for _, field := range []struct{ at, value int64 }{{4, w.size + headerSize - 8}, {40, w.size}} {
		if _, err := w.file.WriteAt(binary.LittleEndian.AppendUint32(nil, uint32(field.value)), field.at); err != nil {
			return fmt.Errorf("wav: %w", err)
		}
	}
	return nil
}

// Close closes the file.
func (w *Writer) Close() error {
	if err := w.file.Close(); err != nil {
		return fmt.Errorf("wav: %w", err)
	}
	return nil
}

// Read reads a file as Writer writes it.
func Read(r io.Reader) (pcm []int16, channels int, err error) {
	h := make([]byte, headerSize)
	if _, err := io.ReadFull(r, h); err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	channels = int(binary.LittleEndian.Uint16(h[22:]))
	if channels < 1 || channels > 2 || string(header(channels)[8:40]) != string(h[8:40]) {
		return nil, 0, fmt.Errorf("%w, 48 kHz, with a header of %d bytes", ErrFormat, headerSize)
	}
	raw, err := io.ReadAll(io.LimitReader(r, int64(binary.LittleEndian.Uint32(h[40:]))))
	if err != nil {
		return nil, 0, fmt.Errorf("wav: %w", err)
	}
	if len(raw) != int(binary.LittleEndian.Uint32(h[40:])) {
		return nil, 0, fmt.Errorf("%w: %d bytes of data, %w", ErrFormat, len(raw), io.ErrUnexpectedEOF)
	}
	pcm = make([]int16, len(raw)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
	}
	return pcm, channels, nil
}
