package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// recordingMinutes is how long the recording is that is compared with bare ffmpeg.
const recordingMinutes = "30"

// studio measures how long a typed text takes to what can be approved, a long
// recording against bare ffmpeg, and whether the making of sounds holds up a stop.
func studio(ctx context.Context, w *world, rounds int) ([]result, error) {
	texts, err := w.texts(ctx, min(rounds, 5))
	if err != nil {
		return nil, err
	}
	recordings, err := recordings(ctx)
	if err != nil {
		return nil, err
	}
	stops, err := w.stops(ctx, min(rounds, 5))
	return append(append(texts, recordings...), stops...), err
}

// texts are of 200 words each; none has been made before.
func (w *world) texts(ctx context.Context, rounds int) ([]result, error) {
	words := strings.Fields(longText + " " + longText)[:196]
	var took []float64
	for i := range rounds {
		from := time.Now()
		if _, err := w.bulletin(ctx, fmt.Sprintf("%s Bản tin thử %d.", strings.Join(words, " "), i+1), "", true); err != nil {
			return nil, err
		}
		took = append(took, time.Since(from).Seconds())
	}
	return []result{under("studio: typed text of 200 words to a rendition, median", median(took), 3, "s")}, nil
}

// recordings reads the benchmark of hub/studio/transcode, which runs both sides in
// turn and counts the processor time of all their children.
func recordings(ctx context.Context) ([]result, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-tags", "nomsgpack oto", "-run", "^$", "-benchtime", "1x", "-timeout", "20m",
		"-bench", "^BenchmarkRecordingAgainstBareFFmpeg$", "./hub/studio/transcode")
	cmd.Env = append(os.Environ(), "LOA_BENCH_MINUTES="+recordingMinutes)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("benchmark of hub/studio/transcode: %w\n%s", err, out)
	}
	figures := benchmarks(out)
	var values [3]float64
	for i, unit := range []string{"x_bare_ffmpeg", "s/recording", "LU_off"} {
		v := figures["RecordingAgainstBareFFmpeg "+unit]
		if len(v) == 0 {
			return nil, fmt.Errorf("benchmark of hub/studio/transcode: no %s in\n%s", unit, out)
		}
		values[i] = median(v)
	}
	return []result{
		under("studio: recording of "+recordingMinutes+" min, processor against bare ffmpeg", values[0], 1.3, "x"),
		under("studio: the same, from upload to rendition", values[1], 30, "s"),
		under("studio: its loudness, off the target", values[2], 0.5, "LU"),
	}, nil
}

// stops measures from a stop to the signed receipts of all five devices, idle and
// with four sounds being made.
func (w *world) stops(ctx context.Context, rounds int) ([]result, error) {
	var idle, busy []float64
	for i := range rounds {
		var ids [2]string
		for k, when := range []string{"rảnh", "bận"} {
			var err error
			if ids[k], err = w.bulletin(ctx, fmt.Sprintf("%s Lần %d, máy %s.", longText, i+1, when), "", true); err != nil {
				return nil, err
			}
		}
		took, err := w.stopped(ctx, ids[0])
		if err != nil {
			return nil, err
		}
		idle = append(idle, took)
		for k := range 4 {
			if err := w.author.call(ctx, http.MethodPost, "/bulletins", map[string]any{
				"unit": unit, "class": "normal", "text": fmt.Sprintf("%s Việc %d.%d.", strings.Repeat(longText+" ", 6), i, k), "options": map[string]any{"wanted": true},
			}, nil); err != nil {
				return nil, err
			}
		}
		if took, err = w.stopped(ctx, ids[1]); err != nil {
			return nil, err
		}
		busy = append(busy, took)
	}
	return []result{
		under("studio: stop to the receipts of five devices, idle, median", median(idle), 1000, "ms"),
		under("studio: the same with four sounds being made, against idle", median(busy)/median(idle), 2, "x idle"),
	}, nil
}

// stopped airs a bulletin, stops it once all devices play it, and returns how many
// ms it took until every one had said so with a receipt.
func (w *world) stopped(ctx context.Context, id string) (float64, error) {
	airing, _, err := w.approve(ctx, id)
	if err != nil {
		return 0, err
	}
	for _, d := range w.speakers() {
		if _, _, err := d.began(ctx, airing, "sound"); err != nil {
			return 0, err
		}
	}
	from := time.Now()
	if err := w.author.call(ctx, http.MethodPost, "/stops", map[string]any{"airing": airing}, nil); err != nil {
		return 0, err
	}
	for {
		var reach struct {
			Expected, Cut int
		}
		if err := w.author.call(ctx, http.MethodGet, "/bulletins/"+id+"/reach", nil, &reach); err != nil {
			return 0, err
		}
		if reach.Expected > 0 && reach.Cut == reach.Expected {
			return ms(time.Since(from)), nil
		}
		if time.Since(from) > 20*time.Second {
			return 0, fmt.Errorf("%d of %d devices say that they were stopped", reach.Cut, reach.Expected)
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return 0, err
		}
	}
}
