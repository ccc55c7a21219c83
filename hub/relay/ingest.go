package relay

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Run runs ffmpeg with arguments until it ends, confined: input may be nil,
// output gets its standard output, words its standard error line by line.
type Run func(ctx context.Context, args []string, input io.Reader, output, words io.Writer) error

// bitrate of the stream as it is sent on, in bits a second.
const bitrate = 48_000

// silenceLevel is the level under which a source counts as silent, in dBFS.
const silenceLevel = -50

// leveller brings a station to about the loudness of bulletins (-16 LUFS), by a slow gain of
// at most 23 dB over half-second frames, and holds its peaks under -1 dBTP. It makes the
// stream 1.3 s later.
const leveller = "dynaudnorm=f=500:g=5:r=0.16:m=10:p=0.89,volume=3dB,alimiter=limit=0.89:level=0:attack=2:release=60"

// filters convert sound and look for dead air in it as it came; a station's is levelled,
// not a speaker's, who would be heard later for it.
func filters(silence time.Duration, station bool) string {
	f := fmt.Sprintf("aresample=%d,aformat=channel_layouts=mono,silencedetect=noise=%ddB:d=%s", protocol.SoundRate, silenceLevel, strconv.FormatFloat(silence.Seconds(), 'f', 3, 64))
	if station {
		f += "," + leveller
	}
	return f
}

// arguments are ffmpeg's: url is "" for sound from standard input.
func arguments(url string, silence time.Duration) []string {
	args := []string{"-hide_banner", "-nostats", "-loglevel", "info"}
	if url == "" {
		args = append(args, "-protocol_whitelist", "pipe", "-analyzeduration", "500000", "-probesize", "32768", "-i", "pipe:0")
	} else {
		args = append(args, "-nostdin", "-protocol_whitelist", "http,https,tcp,tls,crypto,hls", "-rw_timeout", "5000000",
			"-analyzeduration", "1000000", "-probesize", "131072", "-i", url)
	}
	return append(args, "-map", "0:a:0", "-vn", "-sn", "-dn",
		"-af", filters(silence, url != ""),
		"-map_metadata", "-1", "-c:a", "libopus", "-application", "audio", "-b:a", strconv.Itoa(bitrate), "-frame_duration", "20",
		"-f", "ogg", "-page_duration", "20000", "-flush_packets", "1", "pipe:1")
}

// queue holds packets between the ingest, which may come in bursts, and the
// sending, which is even.
type queue struct {
	filled  chan struct{} // gets a note when there are enough packets for a piece
	mu      sync.Mutex
	packets [][]byte
}

func newQueue() *queue { return &queue{filled: make(chan struct{}, 1)} }

// maxQueue is how far a source may run ahead of the clock: HLS comes in whole
// segments, and Icecast begins with some seconds at once. What is older is
// dropped down to keepQueue.
const (
	maxQueue  = int(30 * time.Second / protocol.FrameTime)
	keepQueue = int(5 * time.Second / protocol.FrameTime)
)

func (q *queue) put(p []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.packets = append(q.packets, p)
	if len(q.packets) > maxQueue {
		q.packets = append([][]byte{}, q.packets[len(q.packets)-keepQueue:]...)
	}
	if len(q.packets) >= protocol.MaxFrames {
		select {
		case q.filled <- struct{}{}:
		default:
		}
	}
}

// take returns n packets, or none while fewer than so many more would be left behind them,
// and how many are left.
func (q *queue) take(n, behind int) (packets [][]byte, left int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.packets) < n+behind {
		return nil, len(q.packets)
	}
	packets = q.packets[:n:n]
	q.packets = q.packets[n:]
	return packets, len(q.packets)
}

// words looks for what ffmpeg says of silence.
type words struct {
	line   []byte
	silent func(bool)
}

// maxLine bounds a line of ffmpeg's that is looked at.
const maxLine = 4 << 10

// Write implements io.Writer.
func (w *words) Write(b []byte) (int, error) {
	for part := range bytes.SplitAfterSeq(b, []byte("\n")) {
		if len(w.line) < maxLine {
			w.line = append(w.line, part...)
		}
		if !bytes.HasSuffix(part, []byte("\n")) {
			continue
		}
		switch text := string(w.line); {
		case strings.Contains(text, "silence_start:"):
			w.silent(true)
		case strings.Contains(text, "silence_end:"):
			w.silent(false)
		}
		w.line = w.line[:0]
	}
	return len(b), nil
}
