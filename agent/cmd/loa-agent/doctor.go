package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/loa-vn/loa/agent"
	"github.com/loa-vn/loa/agent/config"
	"github.com/loa-vn/loa/agent/health"
	"github.com/loa-vn/loa/agent/identity"
	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/signal"
	"github.com/loa-vn/loa/agent/timesync"
)

// lowSpace is how much free storage a device should have, in bytes.
const lowSpace = 200 << 20

type doctorCmd struct {
	NoTone bool `help:"Do not play the test tone." name:"no-tone"`
}

// finding is one thing looked at.
type finding struct {
	name, text string
	do         string // what to do, "" if it is well
}

// Run implements the command: it looks at everything, also without a network,
// and fails if something needs to be done.
func (d doctorCmd) Run(s *session) error {
	c, err := s.load()
	if err != nil {
		return err
	}
	findings := []finding{clockFinding(), storageFinding(c), d.sound(s.ctx, s, c), boardFinding(c)}
	findings = append(findings, hubFindings(s.ctx, c)...)
	bad := 0
	for _, f := range findings {
		mark := "ok  "
		if f.do != "" {
			mark = "BAD "
			bad++
		}
		fmt.Fprintf(s.out, "%s %-8s %s\n", mark, f.name, f.text)
		if f.do != "" {
			fmt.Fprintf(s.out, "     -> %s\n", f.do)
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d things need to be done, see above", bad)
	}
	return nil
}

func clockFinding() finding {
	clock := timesync.New(timesync.Config{})
	now, uncertainty, sure := clock.Now()
	f := finding{name: "clock", text: fmt.Sprintf("%s, source %v", now.Format(time.RFC3339), clock.Source())}
	if !sure {
		f.do = "the time is not sure: connect the network once, so that NTP or the hub can set it"
	} else {
		f.text += fmt.Sprintf(", within %s", uncertainty.Round(time.Millisecond))
	}
	return f
}

func storageFinding(c config.Config) finding {
	f := finding{name: "storage", text: c.Data}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		f.do = "the data folder cannot be made: run as the service's user, or change data in the settings"
		return f
	}
	probe := filepath.Join(c.Data, ".doctor")
	if err := os.WriteFile(probe, make([]byte, 64<<10), 0o600); err != nil {
		f.do = "nothing can be written: free some space, or look whether the card is read-only or worn out"
		return f
	}
	if err := os.Remove(probe); err != nil {
		f.do = "a file cannot be removed: look at the permissions of " + c.Data
		return f
	}
	free, err := health.Free(c.Data)
	if err != nil {
		f.do = "free space unknown: " + err.Error()
		return f
	}
	f.text += fmt.Sprintf(", %d MB free", free>>20)
	if free < lowSpace {
		f.do = "less than 200 MB free: remove other files or use a larger card"
	}
	return f
}

// sound plays a second of a tone and counts what the card takes of it.
func (d doctorCmd) sound(ctx context.Context, s *session, c config.Config) finding {
	f := finding{name: "sound"}
	if c.Profile.Sound == nil {
		f.text = "none in profile " + c.Profile.Name
		return f
	}
	f.text = fmt.Sprintf("%s on %q", c.Profile.Sound.Driver, c.Profile.Sound.Card)
	if d.NoTone {
		return f
	}
	self, err := os.Executable()
	if err != nil {
		f.do = err.Error()
		return f
	}
	sink, err := agent.SinkOf(c, []string{self, "speaker"}, s.log(c))
	if err != nil {
		f.do = "the output cannot be opened: " + err.Error()
		return f
	}
	p := player.New(sink, s.log(c))
	defer p.Close()
	tone := signal.Tone(440, time.Second)
	if err := p.Play(player.Track{ID: "doctor", Frames: tone.Frames(), Volume: 50, Open: func() (player.Source, error) { return tone, nil }}); err != nil {
		f.do = err.Error()
		return f
	}
	timeout := time.After(8 * time.Second)
	for {
		select {
		case e := <-p.Events():
			if ended, ok := e.(player.Ended); ok {
				f.text += fmt.Sprintf(", the card took %d of %d frames of a test tone", ended.Frames, tone.Frames())
				if !ended.Whole {
					f.do = "the card does not take sound: look at its cable and at sound.card in the profile; aplay -l lists cards"
				}
				return f
			}
		case <-timeout:
			f.do = "the card hangs: unplug it and plug it in again, or restart the device"
			return f
		case <-ctx.Done():
			f.do = "interrupted"
			return f
		}
	}
}

func boardFinding(c config.Config) finding {
	f := finding{name: "board", text: "none in profile " + c.Profile.Name}
	if b := c.Profile.Board; b != nil {
		f.text = fmt.Sprintf("%dx%d by %s", b.Width, b.Height, b.Output)
	}
	return f
}

// hubFindings look at the enrolment and at the way to the hub.
func hubFindings(ctx context.Context, c config.Config) []finding {
	id, err := identity.Load(filepath.Join(c.Data, "identity"))
	if err != nil {
		return []finding{{name: "enrolled", text: "no", do: "run loa-agent enrol --hub URL --claim CODE"}}
	}
	address := c.MQTT
	if address == "" {
		address = id.MQTTURL
	}
	fs := []finding{{name: "enrolled", text: fmt.Sprintf("as %s, certificate until %s", id.Device, id.Certificate.Leaf.NotAfter.Format(time.DateOnly))}}
	hub := finding{name: "hub", text: address}
	u, err := url.Parse(address)
	if err != nil {
		hub.do = "the address is not one: correct mqtt in the settings"
		return append(fs, hub)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		hub.do = "not reached: look at the network cable or SIM; what is planned plays without it"
		return append(fs, hub)
	}
	hub.text += ", reached"
	if err := conn.Close(); err != nil {
		hub.text += " (" + err.Error() + ")"
	}
	return append(fs, hub)
}
