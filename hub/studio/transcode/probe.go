package transcode

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/studio/child"
)

// Info is what a file holds, from its contents alone.
type Info struct {
	Container string        // ffprobe's name, such as "mov,mp4,m4a,3gp,3g2,mj2"
	Codec     string        // of the first audio stream
	Duration  time.Duration // as claimed or estimated, 0 if unknown
	Claimed   bool          // Duration stands in the file and was not estimated
	Channels  int
	Rate      int // samples a second
	HasAudio  bool
	Size      int64
}

// formats are the demuxers that may open a recording: those of sound and of
// video with sound. None of them follows references to other files or hosts.
const formats = "aac,ac3,aiff,amr,amrnb,amrwb,asf,au,avi,caf,eac3,flac,flv,m4v,matroska,webm," +
	"mov,mp4,m4a,3gp,3g2,mj2,mp3,mpeg,mpegts,ogg,w64,wav,wv"

// Probe says what the file at path holds. Errors: ErrEmpty, ErrTooLarge,
// ErrDamaged, ErrNoSound, ErrTooLong, ErrTooMany, those of the tools, and
// fs.ErrNotExist.
func (t *Transcoder) Probe(ctx context.Context, path string) (Info, error) {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return Info{}, fileError(err)
	case !st.Mode().IsRegular():
		return Info{}, fmt.Errorf("not a file: %w", ErrDamaged)
	case st.Size() == 0:
		return Info{}, fmt.Errorf("probe: %w", ErrEmpty)
	case st.Size() > t.cfg.MaxSize:
		return Info{}, fmt.Errorf("%d bytes of at most %d: %w", st.Size(), t.cfg.MaxSize, ErrTooLarge)
	}
	input, err := inputURL(path)
	if err != nil {
		return Info{}, err
	}
	var out bytes.Buffer
	spec := t.spec(t.cfg.FFprobe, &out, 4<<20)
	spec.Timeout = min(spec.Timeout, 30*time.Second)
	spec.Args = []string{
		"-v", "error", "-protocol_whitelist", "file,pipe", "-format_whitelist", formats,
		"-show_entries", "format=format_name,duration,nb_streams,start_time:stream=codec_type,codec_name,channels,sample_rate,duration",
		"-of", "json", "-i", input,
	}
	if _, err := child.Run(ctx, spec); err != nil {
		kind := ErrDamaged
		if noRecording(path) {
			kind = ErrNoSound
		}
		return Info{}, toolError("probe", err, kind)
	}
	info, err := t.readProbe(out.Bytes(), st.Size())
	if err != nil {
		return info, err
	}
	if info.Container == "wav" {
		if err := wholeWAV(path, st.Size()); err != nil {
			return info, err
		}
	}
	return info, nil
}

// noRecording says whether the file that nothing could open is a text, a document or a
// picture, so that nobody is told to record again what never was a recording.
func noRecording(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false
	}
	kind := http.DetectContentType(head[:n])
	for _, other := range [...]string{"text/", "image/", "application/pdf", "application/zip", "application/x-gzip", "application/x-rar"} {
		if strings.HasPrefix(kind, other) {
			return true
		}
	}
	return false
}

// maxStreams is how many streams of a file are looked at for sound.
const maxStreams = 64

// maxChunks is how many chunks of a WAV file are looked at for its sound.
const maxChunks = 1000

// wholeWAV compares the size that a WAV file states for its sound with what is
// there; ffprobe only looks at the latter. Recorders that were switched off leave
// 0 or the largest number, which say nothing.
func wholeWAV(path string, size int64) error {
	f, err := os.Open(path)
	if err != nil {
		return fileError(err)
	}
	defer f.Close()
	var head [8]byte
	at := int64(12)
	for range maxChunks {
		if at+8 > size {
			break
		}
		if _, err := f.ReadAt(head[:], at); err != nil {
			return fileError(err)
		}
		stated := int64(binary.LittleEndian.Uint32(head[4:]))
		at += 8
		if string(head[:4]) == "data" {
			if there := size - at; stated < math.MaxInt32 && there < stated-stated/50 {
				return fmt.Errorf("%d of %d bytes: %w", there, stated, ErrDamaged)
			}
			return nil
		}
		at += stated + stated&1
	}
	return nil
}

func (t *Transcoder) readProbe(b []byte, size int64) (Info, error) {
	var answer struct {
		// Those behind are of no use, and take no memory.
		Streams [maxStreams]struct {
			Type     string `json:"codec_type"`
			Codec    string `json:"codec_name"`
			Channels int    `json:"channels"`
			Rate     string `json:"sample_rate"`
			Duration string `json:"duration"`
		} `json:"streams"`
		Format struct {
			Name     string `json:"format_name"`
			Duration string `json:"duration"`
			Streams  int    `json:"nb_streams"`
		} `json:"format"`
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return Info{}, fmt.Errorf("probe: %v: %w", err, ErrDamaged)
	}
	info := Info{Container: answer.Format.Name, Size: size}
	if answer.Format.Streams > t.cfg.MaxStreams {
		return Info{}, fmt.Errorf("%d streams: %w", answer.Format.Streams, ErrTooMany)
	}
	for _, s := range answer.Streams {
		if s.Type != "audio" {
			continue
		}
		info.HasAudio, info.Codec, info.Channels = true, s.Codec, s.Channels
		info.Rate, _ = strconv.Atoi(s.Rate)
		info.Duration = seconds(s.Duration)
		break
	}
	if info.Duration == 0 {
		info.Duration = seconds(answer.Format.Duration)
	}
	info.Claimed = claims(info.Container)
	switch {
	case !info.HasAudio:
		return info, fmt.Errorf("probe: %w", ErrNoSound)
	case info.Codec == "" || info.Channels == 0 || info.Rate == 0:
		return info, fmt.Errorf("no decodable stream: %w", ErrDamaged)
	case info.Channels > t.cfg.MaxChannels:
		return info, fmt.Errorf("%d channels: %w", info.Channels, ErrTooMany)
	}
	return info, nil
}

// claims says whether files of a container carry their length in a header, so
// that it tells a file that was cut off.
func claims(container string) bool {
	for _, name := range []string{"wav", "mov", "matroska", "flac", "aiff", "asf", "avi", "w64", "caf", "au"} {
		if strings.HasPrefix(container, name) {
			return true
		}
	}
	return false
}

// seconds reads ffprobe's decimal seconds; 0 for anything senseless.
func seconds(s string) time.Duration {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || f <= 0 || f > 1e8 {
		return 0
	}
	return time.Duration(f * float64(time.Second))
}

// inputURL names a file so that ffmpeg can't take its name for a protocol, an
// option or a pattern.
func inputURL(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("source: %w", err)
	}
	return "file:" + abs, nil
}

// spec is a confined run of one of the tools.
func (t *Transcoder) spec(tool string, out *bytes.Buffer, maxOutput int64) child.Spec {
	s := child.Spec{
		Path: tool, Timeout: t.cfg.Timeout, MaxOutput: maxOutput, Memory: t.cfg.Memory,
		FileSize: 1 << 30, OpenFiles: 64, Nice: t.cfg.Nice,
	}
	if out != nil {
		s.Stdout = out
	}
	return s
}
