package transcode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/studio/child"
)

// MaxParts is how many parts a recording may have.
const MaxParts = 20

// Join writes the parts of a recording that was interrupted, one after the other,
// to target as FLAC. Each part may have its own format; a part that was cut off
// is taken as far as it goes. Errors as Make's.
func (t *Transcoder) Join(ctx context.Context, parts []string, target string) error {
	if len(parts) == 0 || len(parts) > MaxParts {
		return fmt.Errorf("%d parts: %w", len(parts), ErrTooMany)
	}
	args := []string{"-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-protocol_whitelist", "file,pipe", "-format_whitelist", formats}
	var graph strings.Builder
	for i, p := range parts {
		if _, err := t.Probe(ctx, p); err != nil {
			return err
		}
		url, err := inputURL(p)
		if err != nil {
			return err
		}
		args = append(args, "-i", url)
		fmt.Fprintf(&graph, "[%d:a:0]aresample=%d,aformat=sample_fmts=s16:channel_layouts=mono[p%d];", i, Rate, i)
	}
	for i := range parts {
		fmt.Fprintf(&graph, "[p%d]", i)
	}
	graph.WriteString("concat=n=" + strconv.Itoa(len(parts)) + ":v=0:a=1[all]")
	dir, err := os.MkdirTemp(filepath.Dir(target), "join-")
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	draft := filepath.Join(dir, "joined.flac")
	args = append(args, "-filter_complex", graph.String(), "-map", "[all]", "-t", decimal((t.cfg.MaxDuration + time.Second).Seconds()), "-c:a", "flac", "-y", draft)
	spec := t.spec(t.cfg.FFmpeg, nil, 64<<10)
	spec.Args = args
	if _, err = child.Run(ctx, spec); err != nil {
		err = toolError("join", err, ErrDamaged)
	} else {
		err = os.Rename(draft, target)
	}
	return errors.Join(err, os.RemoveAll(dir))
}
