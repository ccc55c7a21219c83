package cardtest

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Main runs a card until ctx ends: the arguments are
//
//	--config-dir DIR  where asound.conf and the FIFO go (made if missing)
//	--out FILE        a WAV file of what sounded, long silence shortened
//	--ppm N           by how many millionths the card's clock is fast
//	--channels N      1 or 2
//	--rate N          frames a second
//	--told            the card tells its delay (needs cc)
//
// It prints the path of the configuration on the first line of stdout, and then one JSON
// object a line for each stretch of sound: {"from","to","frames","peak"}. It returns an
// exit status: 0 done, 1 failed, 2 refused.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("cardtest", flag.ContinueOnError)
	flags.SetOutput(stderr)
	cfg := Config{Forget: true}
	flags.StringVar(&cfg.Dir, "config-dir", "", "folder for asound.conf and the FIFO")
	flags.StringVar(&cfg.Out, "out", "", "WAV file of what sounds")
	flags.Float64Var(&cfg.PPM, "ppm", 0, "error of the card's clock, in millionths")
	flags.IntVar(&cfg.Channels, "channels", 1, "1 or 2")
	flags.IntVar(&cfg.Rate, "rate", 0, "frames a second; 0 for 48000")
	told := flags.Bool("told", false, "the card tells its delay, as real ones do; needs cc and ALSA's headers")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if cfg.Dir == "" || flags.NArg() > 0 || cfg.Channels < 1 || cfg.Channels > 2 {
		fmt.Fprintln(stderr, "cardtest: give --config-dir DIR, and --channels 1 or 2; nothing else without a flag")
		return 2
	}
	var mu sync.Mutex // the last stretch may end in Close
	encoder := json.NewEncoder(stdout)
	cfg.Sounded = func(s Stretch) {
		mu.Lock()
		defer mu.Unlock()
		// A reader of stdout that has gone away does not stop the card.
		_ = encoder.Encode(struct {
			From   time.Time `json:"from"`
			To     time.Time `json:"to"`
			Frames int64     `json:"frames"`
			Peak   int       `json:"peak"`
		}{s.From.UTC(), s.To.UTC(), s.Frames, s.Peak})
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		fmt.Fprintln(stderr, "cardtest:", err)
		return 1
	}
	if *told {
		var err error
		if cfg.Plugin, err = Build(cfg.Dir); err != nil {
			fmt.Fprintln(stderr, err)
			return 1
		}
	}
	card, err := Open(cfg)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	mu.Lock()
	fmt.Fprintln(stdout, card.ConfigPath())
	mu.Unlock()
	<-ctx.Done()
	if err := card.Close(); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}
