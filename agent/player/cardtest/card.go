// Package cardtest is a sound card for tests and demonstrations: an ALSA configuration
// whose default device leads into a FIFO, and a reader that takes frames from it at the
// pace of a card's clock, which may run fast, slow, or stand still. What plays there is
// told nothing of the card's delay; a card with a plugin of its own in ALSA's place of
// the FIFO tells it, as real ones do.
//
// It keeps what it took, with instants, bit for bit. It is not part of what runs on a
// device, and opens no real card.
package cardtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/wav"
)

const (
	// pipeSize is the FIFO's capacity: one page, the least there is.
	pipeSize = 4096
	// frameSize is what a frame takes there: two channels of 32 bits, whatever the card's
	// own are, so that the FIFO holds no more than 10.7 ms.
	frameSize = 8
	// tick is how often the card takes frames.
	tick = 2 * time.Millisecond
	// frozen is the longest that the card's clock advances in one tick: if the whole
	// machine stood still, the card did too.
	frozen = 50 * time.Millisecond
	// slack is how late frames may come before the card has lost that time: a real card
	// goes on from its ring meanwhile, this one catches up.
	slack = 60 * time.Millisecond
)

// Config is what a Card needs.
type Config struct {
	// Dir is an existing folder for the configuration and the FIFO.
	Dir string
	// Rate is the card's nominal frames a second; 0 means 48,000.
	Rate int
	// Channels is 1 or 2; 0 means 1.
	Channels int
	// PPM is by how many millionths the card's clock is fast; negative is slow.
	PPM float64
	// Plugin is the path of what Build made: the card then tells its delay, and stops when
	// it has nothing to play, as a real one does. Empty for the FIFO.
	Plugin string
	// Out is the path of a WAV file that gets all that sounds, silence of more than a
	// second shortened to a second; empty for none. It needs Rate 48,000.
	Out string
	// Loop is the path of a FIFO that gets what sounds, as a microphone beside the card
	// would: a tenth as loud, one channel, 16 bit. Empty for none.
	Loop string
	// Forget switches off keeping frames in memory, for cards that run for long.
	Forget bool
	// Sounded is called after each stretch of sound, from the card's goroutine; may be nil.
	Sounded func(Stretch)
}

// Stretch is sound between silences of at least 250 ms.
type Stretch struct {
	From, To time.Time
	Frames   int64
	Peak     int // the largest sample, by amount
}

// Card is a running card. Its methods may be called from any goroutine.
type Card struct {
	cfg  Config
	fd   int   // of the FIFO
	loop int   // of the FIFO that hears; 0 without one
	ring *ring // in its place, with a plugin
	buf  [pipeSize]byte
	page []byte // of buf, not consumed
	stop chan struct{}
	done chan struct{}

	mu      sync.Mutex
	ppm     float64
	stalled bool
	pcm     []int16
	taken   int64 // frames
	inexact int64 // frames that were more than 16 bits, or two channels where one was meant
	lost    int64 // frames of time in which nothing was there to take
	stamps  []stamp
	err     error

	out       *wav.Writer
	unwritten []int16
	quiet     int64 // frames of silence up to now
	stretch   Stretch
}

// stamp says when a frame was taken.
type stamp struct {
	frame int64
	at    time.Time
}

// Open writes the configuration, makes the FIFO and starts the card.
func Open(cfg Config) (*Card, error) {
	if cfg.Rate == 0 {
		cfg.Rate = player.Rate
	}
	if cfg.Channels == 0 {
		cfg.Channels = 1
	}
	if cfg.Out != "" && cfg.Rate != player.Rate {
		return nil, fmt.Errorf("cardtest: a WAV file needs %d frames a second", player.Rate)
	}
	c := &Card{cfg: cfg, ppm: cfg.PPM, stop: make(chan struct{}), done: make(chan struct{})}
	open := c.openFIFO
	if cfg.Plugin != "" {
		open = c.openRing
	}
	if err := open(); err != nil {
		return nil, fmt.Errorf("cardtest: %w", err)
	}
	if cfg.Out != "" {
		var err error
		if c.out, err = wav.Create(cfg.Out, cfg.Channels); err != nil {
			return nil, errors.Join(err, c.shut())
		}
	}
	if cfg.Loop != "" {
		if err := c.openLoop(); err != nil {
			return nil, errors.Join(fmt.Errorf("cardtest: loop: %w", err), c.shut())
		}
	}
	go c.run()
	return c, nil
}

// openFIFO makes the card one that is a reader of a FIFO.
func (c *Card) openFIFO() error {
	fifo := filepath.Join(c.cfg.Dir, "card.fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("fifo: %w", err)
	}
	if err := c.configure(fmt.Sprintf("pcm.card {\n\ttype file\n\tslave.pcm \"null\"\n\tfile %q\n\tformat \"raw\"\n}\n", fifo)); err != nil {
		return err
	}
	// Open for writing too, so that a player that goes away does not end the file.
	fd, err := unix.Open(fifo, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("fifo: %w", err)
	}
	c.fd = fd
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, pipeSize); err != nil {
		return errors.Join(fmt.Errorf("size of the fifo: %w", err), unix.Close(fd))
	}
	return nil
}

// openRing makes the card one that a plugin leads to.
func (c *Card) openRing() error {
	file, wake := filepath.Join(c.cfg.Dir, "card.ring"), filepath.Join(c.cfg.Dir, "card.wake")
	if err := c.configure(fmt.Sprintf("pcm_type.loacard { lib %q }\npcm.card {\n\ttype loacard\n\tring %q\n\twake %q\n\trate %d\n}\n",
		c.cfg.Plugin, file, wake, c.cfg.Rate)); err != nil {
		return err
	}
	var err error
	if c.ring, err = openRing(file, wake); err != nil {
		return fmt.Errorf("ring: %w", err)
	}
	return nil
}

// configure names one device, which takes exactly the card's format.
func (c *Card) configure(card string) error {
	text := fmt.Sprintf(`# a sound card that is a program
pcm.!default {
	type plug
	slave { pcm "card" format S32_LE channels 2 rate %d }
}
%spcm.null { type null }
ctl.!default { type null }
`, c.cfg.Rate, card)
	if err := os.WriteFile(c.ConfigPath(), []byte(text), 0o600); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	return nil
}

// shut frees the way to the card.
func (c *Card) shut() error {
	var err error
	if c.loop != 0 {
		err = unix.Close(c.loop)
	}
	if c.ring != nil {
		return errors.Join(err, c.ring.close())
	}
	return errors.Join(err, unix.Close(c.fd))
}

// ConfigPath is the ALSA configuration's path.
func (c *Card) ConfigPath() string { return filepath.Join(c.cfg.Dir, "asound.conf") }

// Env is the environment that makes a program play on this card.
func (c *Card) Env() []string { return []string{"ALSA_CONFIG_PATH=" + c.ConfigPath()} }

// Stall makes the card's clock stand still; with on false it goes on.
func (c *Card) Stall(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stalled = on
}

// SetPPM changes the card's clock.
func (c *Card) SetPPM(ppm float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ppm = ppm
}

// Close stops the card. A player that still writes gets a broken pipe, as when a card
// is pulled out.
func (c *Card) Close() error {
	close(c.stop)
	<-c.done
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endStretch()
	c.flush()
	err := errors.Join(c.err, c.shut())
	if c.out != nil {
		err = errors.Join(err, c.out.Close())
	}
	return err
}

// run takes frames as the card's clock goes on.
func (c *Card) run() {
	defer close(c.done)
	// A card does not wait for a processor: this thread goes before others, where that is
	// allowed. It is never unlocked, so that it ends with the card.
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), -20)
	in := c.fifo
	if c.ring != nil {
		in = c.fromRing
	}
	page := make([]byte, pipeSize)
	last, due := time.Now(), 0.0
	idle := true // nothing has come yet, or for so long that the card has stopped
	for {
		select {
		case <-c.stop:
			return
		default:
		}
		pause := unix.NsecToTimespec(int64(tick))
		_ = unix.Nanosleep(&pause, nil) // cut short by a signal it is only a shorter tick
		c.mu.Lock()
		now := time.Now()
		if c.stalled {
			due = 0
		} else {
			due += min(now.Sub(last), frozen).Seconds() * float64(c.cfg.Rate) * (1 + c.ppm/1e6)
		}
		c.mu.Unlock()
		last = now
		for due >= 1 {
			frames, err := in(page, int(due))
			if err != nil {
				c.mu.Lock()
				c.err = fmt.Errorf("cardtest: read: %w", err)
				c.mu.Unlock()
				return
			}
			if frames == 0 {
				break
			}
			// the last of the frames that are due is due now
			c.take(page[:frames*frameSize], now.Add(-time.Duration(due/float64(c.cfg.Rate)*1e9)))
			due -= float64(frames)
			idle = false
		}
		// A card starts with the first frame that comes, and owes none. One that runs
		// catches up before it stands still.
		if most := slack.Seconds() * float64(c.cfg.Rate); due >= 1 && (idle || due > most) {
			c.mu.Lock()
			c.lost += int64(due)
			c.mu.Unlock()
			due, idle = 0, true
			if c.ring != nil {
				c.ring.stop()
			}
		}
	}
}

// fifo reads frames, at most limit of them, through a buffer of a page. That is filled
// when it is empty, so that the FIFO, which is free only when all of it was read, is full
// again at once.
func (c *Card) fifo(dst []byte, limit int) (frames int, err error) {
	for len(c.page) < frameSize {
		have := copy(c.buf[:], c.page)
		c.page = c.buf[:have]
		n, err := unix.Read(c.fd, c.buf[have:])
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil && !errors.Is(err, unix.EAGAIN):
			return 0, err
		case n <= 0:
			return 0, nil
		default:
			c.page = c.buf[:have+n]
		}
	}
	frames = min(limit, len(c.page)/frameSize, len(dst)/frameSize)
	copy(dst, c.page[:frames*frameSize])
	c.page = c.page[frames*frameSize:]
	return frames, nil
}

// fromRing is fifo for a card with a plugin.
func (c *Card) fromRing(dst []byte, limit int) (int, error) { return c.ring.take(dst, limit), nil }

// take keeps frames, the first of which was consumed at the instant at.
func (c *Card) take(raw []byte, at time.Time) {
	pcm := make([]int16, 0, len(raw)/4)
	inexact := int64(0)
	for ; len(raw) > 0; raw = raw[frameSize:] {
		left, right := binary.LittleEndian.Uint32(raw), binary.LittleEndian.Uint32(raw[4:])
		if (left|right)&0xffff != 0 || c.cfg.Channels == 1 && left != right {
			inexact++
		}
		pcm = append(pcm, int16(left>>16))
		if c.cfg.Channels == 2 {
			pcm = append(pcm, int16(right>>16))
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	frames := int64(len(pcm) / c.cfg.Channels)
	if !c.cfg.Forget {
		c.stamps = append(c.stamps, stamp{c.taken, at})
		c.pcm = append(c.pcm, pcm...)
	}
	c.listen(pcm, at)
	c.echo(pcm)
	c.taken += frames
	c.inexact += inexact
}

// listen follows stretches of sound, and writes the WAV file.
func (c *Card) listen(pcm []int16, at time.Time) {
	if c.cfg.Sounded == nil && c.out == nil {
		return
	}
	from := 0
	for i := 0; i < len(pcm); i += c.cfg.Channels {
		peak := 0
		for _, s := range pcm[i : i+c.cfg.Channels] {
			peak = max(peak, int(s), -int(s))
		}
		instant := at.Add(c.length(int64(i / c.cfg.Channels)))
		if peak == 0 {
			if c.quiet++; c.quiet == int64(c.cfg.Rate/4) {
				c.endStretch()
			}
			if c.quiet > int64(c.cfg.Rate) { // not into the file
				c.write(pcm[from:i])
				from = i + c.cfg.Channels
			}
			continue
		}
		c.quiet = 0
		if c.stretch.Frames == 0 {
			c.stretch.From = instant
		}
		c.stretch.To = instant.Add(c.length(1))
		c.stretch.Frames++
		c.stretch.Peak = max(c.stretch.Peak, peak)
	}
	c.write(pcm[from:])
}

func (c *Card) write(pcm []int16) {
	if c.out == nil {
		return
	}
	if c.unwritten = append(c.unwritten, pcm...); len(c.unwritten) >= c.cfg.Rate/10 {
		c.flush()
	}
}

func (c *Card) flush() {
	if c.out == nil {
		return
	}
	if err := c.out.Write(c.unwritten); err != nil && c.err == nil {
		c.err = err
	}
	c.unwritten = c.unwritten[:0]
}

func (c *Card) endStretch() {
	if c.stretch.Frames > 0 && c.cfg.Sounded != nil {
		c.cfg.Sounded(c.stretch)
	}
	c.stretch = Stretch{}
}

func (c *Card) length(frames int64) time.Duration {
	return time.Duration(frames) * time.Second / time.Duration(c.cfg.Rate)
}

// Taken is how many frames the card has consumed.
func (c *Card) Taken() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.taken
}

// Recording is what a card has consumed up to a moment.
type Recording struct {
	PCM      []int16
	Channels int
	Rate     int
	// Lost is how many frames of time passed in which nothing was there to take, while
	// the card's clock ran: before the first player, and in every underrun.
	Lost int64
	// Inexact is how many frames could not be given as 16 bit in Channels without a loss.
	Inexact int64
	stamps  []stamp
}

// Recording returns what the card has consumed; the caller must not change it.
func (c *Card) Recording() Recording {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Recording{
		PCM: c.pcm[:len(c.pcm):len(c.pcm)], Channels: c.cfg.Channels, Rate: c.cfg.Rate,
		Lost: c.lost, Inexact: c.inexact, stamps: c.stamps[:len(c.stamps):len(c.stamps)],
	}
}

// At is the instant at which a frame was consumed.
func (r Recording) At(frame int64) time.Time {
	i := sort.Search(len(r.stamps), func(i int) bool { return r.stamps[i].frame > frame })
	if i == 0 {
		return time.Time{}
	}
	s := r.stamps[i-1]
	return s.at.Add(time.Duration(frame-s.frame) * time.Second / time.Duration(r.Rate))
}

// Find is the first frame, at or after from, at which pcm begins; -1 if it does not
// occur whole.
func (r Recording) Find(pcm []int16, from int64) int64 {
	if len(pcm) == 0 {
		return -1
	}
	for i := int(from) * r.Channels; i+len(pcm) <= len(r.PCM); i += r.Channels {
		if r.PCM[i] == pcm[0] && equal(r.PCM[i:i+len(pcm)], pcm) {
			return int64(i / r.Channels)
		}
	}
	return -1
}

func equal(a, b []int16) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Sounding is the first frame, at or after from, that is not silent; -1 if there is none.
func (r Recording) Sounding(from int64) int64 {
	for i := int(from) * r.Channels; i < len(r.PCM); i++ {
		if r.PCM[i] != 0 {
			return int64(i / r.Channels)
		}
	}
	return -1
}

// Last is the last frame that is not silent; -1 if there is none.
func (r Recording) Last() int64 {
	for i := len(r.PCM) - 1; i >= 0; i-- {
		if r.PCM[i] != 0 {
			return int64(i / r.Channels)
		}
	}
	return -1
}
