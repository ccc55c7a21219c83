package agent_test

import (
	"context"
	"image"
	"image/png"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent"
	"github.com/loa-vn/loa/agent/config"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// TestABoardThatNobodySetUpSaysSo: and under which name its computer is found.
func TestABoardThatNobodySetUpSaysSo(t *testing.T) {
	dir := t.TempDir()
	cfg := config.Config{Settings: config.Default(), Profile: config.Profile{Board: &config.Board{Width: 192, Height: 32, Row: 16, Output: "png:board"}}}
	cfg.Data = dir
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- agent.ShowUnset(ctx, cfg, slog.New(slog.DiscardHandler)) }()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := page.Unconfigured(page.Board{Width: 192, Height: 32, Row: 16}, "", host)
	if err != nil {
		t.Fatal(err)
	}
	tick, end := time.NewTicker(5*time.Millisecond), time.After(10*time.Second)
	defer tick.Stop()
	for !slices.ContainsFunc(shown(t, filepath.Join(dir, "board")), func(d protocol.Digest) bool { return slices.Contains(page.Digests(pages), d) }) {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("the board does not say so")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// shown are the digests of the pictures in a folder.
func shown(t *testing.T, dir string) []protocol.Digest {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.png"))
	if err != nil {
		t.Fatal(err)
	}
	var out []protocol.Digest
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		im, err := png.Decode(f)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		p, ok := im.(*image.Paletted)
		if err != nil || !ok {
			t.Fatalf("%s: %T, %v", name, im, err)
		}
		out = append(out, (&page.Frame{W: p.Rect.Dx(), H: p.Rect.Dy(), Pix: p.Pix}).Digest())
	}
	return out
}
