package main

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// stopping measures from an operator's stop, as it leaves the browser, to the last frame
// that sounds at a paced card.
func stopping(ctx context.Context, w *world, rounds int) ([]result, error) {
	id, err := w.bulletin(ctx, longText, "", true)
	if err != nil {
		return nil, err
	}
	d := w.speakers()[0]
	var took []float64
	for i := range rounds {
		id, err := w.again(ctx, id, i)
		if err != nil {
			return nil, err
		}
		airing, _, err := w.approve(ctx, id)
		if err != nil {
			return nil, err
		}
		if _, _, err := d.began(ctx, airing, "sound"); err != nil {
			return nil, err
		}
		if err := pause(ctx, 2*time.Second); err != nil {
			return nil, err
		}
		before := time.Now()
		if err := w.author.call(ctx, http.MethodPost, "/stops", map[string]any{"airing": airing}, nil); err != nil {
			return nil, err
		}
		if err := pause(ctx, time.Second); err != nil { // its last stretch is over, and told
			return nil, err
		}
		all, err := stretches(d.card)
		if err != nil {
			return nil, err
		}
		if len(all) == 0 || all[len(all)-1].To.Before(before.Add(-time.Second)) {
			return nil, errors.New("the card put out nothing that was stopped")
		}
		took = append(took, max(ms(all[len(all)-1].To.Sub(before)), 0))
	}
	return []result{
		under("stop to silence at the card, median", median(took), 200, "ms"),
		under("stop to silence at the card, p99", percentile(took, 99), 200, "ms"),
	}, nil
}
