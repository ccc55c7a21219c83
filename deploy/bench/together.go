package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// togetherStarts is how often both cards begin, and togetherEvery how far apart.
	togetherStarts = 40
	togetherEvery  = 3 * time.Second
	// togetherFirst is how long the first start is away: approved and on every device.
	togetherFirst = 10 * time.Second
)

// together measures how far apart two agents' first frames are, as their cards put
// them out, and how far from the instant that was scheduled: with either driver, and
// beside Snapcast in the same run.
func together(ctx context.Context, w *world, _ int) ([]result, error) {
	pairs := map[string][2]*device{}
	drivers := []string{"alsa", "oto"}
	for _, driver := range drivers {
		var pair [2]*device
		for i, ppm := range []string{"50", "-50"} {
			d, err := w.device(ctx, fitting{id: fmt.Sprintf("cung-%s-%d", driver, i+1), unit: "thon-doai", driver: driver, told: true, ppm: ppm})
			if err != nil {
				return nil, err
			}
			defer func() { report(d.end()) }()
			pair[i] = d
		}
		pairs[driver] = pair
	}
	for _, pair := range pairs {
		for _, d := range pair {
			if _, err := d.find(ctx, "connected to the broker"); err != nil {
				return nil, err
			}
		}
	}
	starts, lead, err := w.series(ctx)
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, time.Until(starts[len(starts)-1].Add(togetherEvery))); err != nil {
		return nil, err
	}
	var results []result
	for _, driver := range drivers {
		var apart, off []float64
		for _, at := range starts {
			var first [2]time.Time
			for i, d := range pairs[driver] {
				if first[i], err = soundedAt(d.card, at.Add(lead)); err != nil {
					return nil, fmt.Errorf("%s at %s: %w", d.id, at, err)
				}
				off = append(off, ms(first[i].Sub(at.Add(lead)).Abs()))
			}
			apart = append(apart, ms(first[0].Sub(first[1]).Abs()))
		}
		p50, p99, start := percentile(apart, 50), percentile(apart, 99), percentile(off, 99)
		first, rest, starts := "together, driver "+driver+": first frames of two agents apart, p50", "together, driver "+driver+": the same, p99", "start, driver "+driver+": first frame off its instant, p99"
		if driver == "alsa" { // what profiles of cards name
			results = append(results, under(first, p50, 1, "ms"), under(rest, p99, 5, "ms"), under(starts, start, 20, "ms"))
		} else {
			results = append(results, beside(first, p50, "ms"), beside(rest, p99, "ms"), under(starts, start, 20, "ms"))
		}
	}
	snap, err := w.snapcast(ctx)
	if err != nil {
		return nil, err
	}
	return append(results, snap...), nil
}

// percentile is the value that p per cent do not go beyond.
func percentile(v []float64, p int) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[(len(s)*p-1)/100]
}

// soundedAt is when a card began to sound nearest to an instant.
func soundedAt(card *process, at time.Time) (time.Time, error) {
	all, err := stretches(card)
	if err != nil {
		return time.Time{}, err
	}
	var best time.Time
	for _, s := range all {
		if s.From.Sub(at).Abs() < best.Sub(at).Abs() {
			best = s.From
		}
	}
	if best.Sub(at).Abs() > togetherEvery/2 {
		return best, errors.New("nothing sounded")
	}
	return best, nil
}

// series airs a short bulletin many times and returns its starts, and how long its
// sound is silent at its beginning.
func (w *world) series(ctx context.Context) (starts []time.Time, lead time.Duration, err error) {
	id, err := w.bulletin(ctx, "Một.", "", true)
	if err != nil {
		return nil, 0, err
	}
	if lead, err = w.lead(ctx, id); err != nil {
		return nil, 0, err
	}
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		return nil, 0, err
	}
	first := time.Now().Add(togetherFirst).Truncate(time.Second)
	var dates []string
	for i := range togetherStarts {
		at := first.Add(time.Duration(i) * togetherEvery)
		starts = append(starts, at)
		dates = append(dates, at.In(zone).Format("2006-01-02T15:04:05"))
	}
	_, _, err = w.approveWish(ctx, id, map[string]any{
		"units": []string{"thon-doai"}, "when": "at", "start": dates[0], "rdates": dates[1:], "plays_per_day": togetherStarts,
		"night": true, "night_reason": "Đo thử / measurement",
	})
	return starts, lead, err
}

// lead is how long a bulletin's sound is silent at its beginning.
func (w *world) lead(ctx context.Context, id string) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.author.base+"/bulletins/"+id+"/sound", nil)
	if err != nil {
		return 0, err
	}
	resp, err := w.author.http.Do(req)
	if err != nil {
		return 0, err
	}
	sound, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return 0, err
	}
	path, err := w.file("lead.opus", string(sound))
	if err != nil {
		return 0, err
	}
	pcm, err := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-i", path, "-f", "s16le", "-ar", "48000", "-ac", "1", "-").Output()
	if err != nil {
		return 0, fmt.Errorf("ffmpeg: %w", err)
	}
	for i := 0; i+1 < len(pcm); i += 2 {
		if binary.LittleEndian.Uint16(pcm[i:]) != 0 {
			return time.Duration(i/2) * time.Second / 48000, nil
		}
	}
	return 0, errors.New("the sound is silent")
}

// snapcast plays bursts of a tone through Debian's snapserver to two snapclients on
// cards like the agents', and measures how far apart they are put out.
func (w *world) snapcast(ctx context.Context) ([]result, error) {
	for _, program := range []string{"snapserver", "snapclient"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("%w: deploy/setup.sh bench installs it", err)
		}
	}
	pipe := filepath.Join(w.dir, "snap.fifo")
	var ports [2]string
	for i := range ports {
		p, err := freePort()
		if err != nil {
			return nil, err
		}
		ports[i] = p[strings.LastIndex(p, ":")+1:]
	}
	settings, err := w.file("snapserver.conf", fmt.Sprintf("[server]\ndatadir = %s\n[http]\nenabled = false\n"+
		"[tcp]\nbind_to_address = 127.0.0.1\nport = %s\n"+
		"[stream]\nbind_to_address = 127.0.0.1\nport = %s\nsource = pipe://%s?name=loa&sampleformat=48000:16:2&codec=pcm\n", w.dir, ports[1], ports[0], pipe))
	if err != nil {
		return nil, err
	}
	server, err := launch(filepath.Join(w.dir, "snapserver.log"), nil, "snapserver", "--config", settings)
	if err != nil {
		return nil, err
	}
	defer func() { report(server.end()) }()
	var cards [2]*device
	for i, ppm := range []string{"50", "-50"} {
		d := &device{id: fmt.Sprintf("snap-%d", i+1)}
		config, err := w.soundCard(ctx, d, fitting{told: true, ppm: ppm})
		if err != nil {
			return nil, err
		}
		if d.process, err = launch(filepath.Join(w.dir, d.id+".log"), []string{"ALSA_CONFIG_PATH=" + config}, "snapclient",
			"--host", "127.0.0.1", "--port", ports[0], "--instance", strconv.Itoa(i+1), "--player", "alsa", "--logsink", "stdout"); err != nil {
			return nil, errors.Join(err, d.card.end())
		}
		defer func() { report(d.end()) }()
		cards[i] = d
	}
	from, err := bursts(ctx, pipe)
	if err != nil {
		return nil, err
	}
	var apart []float64
	mine, err := stretches(cards[0].card)
	if err != nil {
		return nil, err
	}
	for _, s := range mine {
		if s.From.Before(from) { // they find to each other in the first seconds
			continue
		}
		other, err := soundedAt(cards[1].card, s.From)
		if err != nil {
			return nil, fmt.Errorf("snapclient 2: %w", err)
		}
		apart = append(apart, ms(s.From.Sub(other).Abs()))
	}
	if len(apart) < togetherStarts/2 {
		return nil, fmt.Errorf("only %d bursts came through snapclient", len(apart))
	}
	return []result{
		beside("together: Debian's snapclients in the same run, p50", percentile(apart, 50), "ms"),
		beside("together: the same, p99", percentile(apart, 99), "ms"),
	}, nil
}

// beside is a figure that another program has: nothing of ours is measured by it.
func beside(name string, value float64, unit string) result {
	return result{Name: name, Value: round(value), Unit: unit, Goal: "beside", OK: true}
}

// bursts writes a burst of a tone every 1.5 s into a pipe, at the pace of sound, and
// returns when the first one counts.
func bursts(ctx context.Context, pipe string) (time.Time, error) {
	f, err := os.OpenFile(pipe, os.O_WRONLY, 0)
	if err != nil {
		return time.Time{}, err
	}
	defer f.Close()
	const warm = 6 // bursts that do not count
	every := 1500 * time.Millisecond
	block := make([]byte, 0, 4*48000*3/2)
	for i := range 48000 * 3 / 2 {
		v := int16(0)
		if i < 24000 {
			v = int16(math.Round(12000 * math.Cos(2*math.Pi*997*float64(i)/48000)))
		}
		for range 2 {
			block = binary.LittleEndian.AppendUint16(block, uint16(v))
		}
	}
	begun := time.Now()
	for i := range warm + togetherStarts {
		for part := range 10 {
			if _, err := f.Write(block[part*len(block)/10 : (part+1)*len(block)/10]); err != nil {
				return time.Time{}, err
			}
			if err := pause(ctx, time.Until(begun.Add(time.Duration(i)*every+time.Duration(part+1)*every/10))); err != nil {
				return time.Time{}, err
			}
		}
	}
	return begun.Add(warm * every), pause(ctx, 2*time.Second)
}
