package microphone

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/player"
)

// Config is what a microphone needs.
type Config struct {
	// Device is ALSA's capture device: "default", "hw:CARD=name,DEV=0", or the path of an
	// ALSA configuration, from '/'.
	Device string
	// Program records; "" is arecord.
	Program string
	// Fault raises or clears the fault "microphone".
	Fault func(on bool)
	Log   *slog.Logger
}

// Microphone is a capture device that is off.
type Microphone struct{ cfg Config }

// New returns a microphone.
func New(cfg Config) *Microphone {
	if cfg.Program == "" {
		cfg.Program = "arecord"
	}
	return &Microphone{cfg: cfg}
}

// Hearing is a microphone that is on for one play.
type Hearing struct {
	cfg    Config
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu     sync.Mutex
	r      *Recogniser
	first  time.Time // when the first of what was heard sounded, about
	begun  time.Time
	placed bool
	err    error

	given   sync.Mutex // held for a copy only: the sound's way must not wait for a comparison
	pending []int16    // what the loudspeaker got and the recogniser has not; its first channel
}

// pendingMost bounds what waits for a recorder that gives nothing, in frames. What comes
// on top is not recognised.
const pendingMost = 30 * player.Rate

// Listen switches the microphone on. A failure shows as nothing having been heard.
func (m *Microphone) Listen() *Hearing {
	ctx, cancel := context.WithCancel(context.Background())
	h := &Hearing{cfg: m.cfg, cancel: cancel, r: NewRecogniser()}
	device := m.cfg.Device
	env := os.Environ()
	switch {
	case strings.HasPrefix(device, "/"):
		env, device = append(env, "ALSA_CONFIG_PATH="+device), "default"
	case strings.HasPrefix(device, "hw:"):
		device = "plug" + device // converts what the card does not give
	}
	cmd := exec.CommandContext(ctx, m.cfg.Program, "-q", "-D", device, "-t", "raw", "-f", "S16_LE", "-r", strconv.Itoa(player.Rate), "-c", "1")
	cmd.Env, cmd.WaitDelay = env, time.Second
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		h.err = err
		return h
	}
	h.work.Go(func() {
		err := h.read(out)
		ended := cmd.Wait()
		h.mu.Lock()
		defer h.mu.Unlock()
		if ctx.Err() == nil { // nobody asked it to end
			h.err = errors.Join(err, ended, errors.New("the recorder ended"))
		}
	})
	return h
}

// read takes what is heard until there is no more.
func (h *Hearing) read(from io.Reader) error {
	raw := make([]byte, player.Rate/10*2)
	pcm := make([]int16, len(raw)/2)
	for {
		n, err := io.ReadFull(from, raw)
		if err != nil {
			return err
		}
		for i := range n / 2 {
			pcm[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
		}
		h.mu.Lock()
		if h.first.IsZero() {
			h.first = time.Now().Add(-player.Duration(int64(n / 2)))
		}
		h.place()
		h.feed()
		h.r.Heard(pcm[:n/2])
		h.mu.Unlock()
	}
}

// place tells the recogniser when the loudspeaker began, once both is known.
func (h *Hearing) place() {
	if !h.placed && !h.first.IsZero() && !h.begun.IsZero() {
		h.r.Begun(max(h.begun.Sub(h.first), 0))
		h.placed = true
	}
}

// Tee returns a source that yields what src does, and lets it be listened for.
func (h *Hearing) Tee(src player.Source) player.Source { return &tee{src, h} }

type tee struct {
	player.Source
	h *Hearing
}

func (t *tee) Read(dst []int16) (int, error) {
	n, err := t.Source.Read(dst)
	t.h.given.Lock()
	defer t.h.given.Unlock()
	for i := 0; i < n && len(t.h.pending) < pendingMost; i++ {
		t.h.pending = append(t.h.pending, dst[i*t.Channels()])
	}
	return n, err
}

// feed gives the recogniser what the loudspeaker got; h.mu is held.
func (h *Hearing) feed() {
	h.given.Lock()
	pcm := h.pending
	h.pending = nil
	h.given.Unlock()
	h.r.Given(pcm, 1)
}

// Begun says when the first frame sounded.
func (h *Hearing) Begun(at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.begun = at
	h.place()
}

// Listened is how much was listened for up to now.
func (h *Hearing) Listened() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return player.Duration(int64(h.r.listened) * hop)
}

// End switches the microphone off and returns how much was listened for, and how much of
// it was recognised; nothing was listened for if it did not work.
func (h *Hearing) End() (listened, recognised time.Duration) {
	h.cancel()
	h.work.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		h.cfg.Log.Warn("microphone failed", "device", h.cfg.Device, "error", h.err)
	}
	h.cfg.Fault(h.err != nil)
	h.feed()
	return h.r.Result()
}
