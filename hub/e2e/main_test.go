package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent"
	cardspeaker "github.com/loa-vn/loa/agent/player/speaker"
	"github.com/loa-vn/loa/agent/timesync"
	"github.com/loa-vn/loa/hub/studio/picture"
)

// childEnv makes the test's own binary something else: a device's agent, of
// which it holds the settings' file, so that it can be killed.
const childEnv = "LOA_E2E_AGENT"

// together is how many tests run at once: they mostly wait for sound to play.
const together = 3

// pictureChild makes the test's own binary the process that decodes one picture.
const pictureChild = "picture"

// speakerChild makes the test's own binary the process that drives a sound card.
const speakerChild = "speaker"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == speakerChild {
		os.Exit(cardspeaker.Child(os.Stdin, os.Stdout, os.Args[2:]))
	}
	if len(os.Args) == 2 && os.Args[1] == pictureChild {
		os.Exit(picture.Child(os.Stdin, os.Stdout))
	}
	if file := os.Getenv(childEnv); file != "" {
		if err := runAgent(file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		if err := f.Value.Set(strconv.Itoa(together)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// runAgent is the child's main.
func runAgent(file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	d := device{}
	if err := json.Unmarshal(b, &d.config); err != nil {
		return err
	}
	a, err := agent.New(d.config, agent.Options{
		Software: "test", Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Jitter: time.Millisecond,
		System: func() timesync.System { return timesync.System{Synchronised: true} },
	})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return errors.Join(a.Run(ctx), a.Close())
}

// process runs the device's agent as a process of its own and returns what kills
// it at once and waits for its end.
func (d *device) process() (kill func()) {
	d.t.Helper()
	b, err := json.Marshal(d.config)
	must(d.t, err)
	file := d.config.Data + ".json"
	must(d.t, os.WriteFile(file, b, 0o600))
	self, err := os.Executable()
	must(d.t, err)
	c := exec.Command(self)
	c.Env = append(os.Environ(), childEnv+"="+file)
	c.Stdout, c.Stderr = d.log, d.log
	must(d.t, c.Start())
	done := false
	kill = func() {
		if done {
			return
		}
		done = true
		must(d.t, c.Process.Kill())
		var exit *exec.ExitError
		if err := c.Wait(); !errors.As(err, &exit) || exit.Exited() {
			d.t.Errorf("%s ended by itself: %v", d.id, err)
		}
	}
	d.t.Cleanup(kill)
	return kill
}
