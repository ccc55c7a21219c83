package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// alertEvery is how many alerts are measured for each round.
const alertEvery = 5

// alerts measures from an emergency's arrival at an agent to the first sound at its
// card, when its sound is on the device already: with either driver.
func alerts(ctx context.Context, w *world, rounds int) ([]result, error) {
	modern, err := w.device(ctx, fitting{id: "khan-alsa", driver: "alsa", told: true})
	if err != nil {
		return nil, err
	}
	defer func() { report(modern.end()) }()
	if _, err := modern.find(ctx, "connected to the broker"); err != nil {
		return nil, err
	}
	request, err := w.emergency(ctx)
	if err != nil {
		return nil, err
	}
	drivers := []string{"alsa", "oto"}
	devices := map[string]*device{"alsa": modern, "oto": w.speakers()[0]}
	took := map[string][]float64{}
	for range rounds * alertEvery {
		var airing struct {
			ID string `json:"id"`
		}
		wish := map[string]any{"units": []string{unit}, "when": "now", "passes": 1, "validity": 1}
		if err := w.author.call(ctx, http.MethodPost, "/airings", map[string]any{"approval": request, "wish": wish}, &airing); err != nil {
			return nil, err
		}
		came := map[string]time.Time{}
		for driver, d := range devices {
			line, err := d.find(ctx, `msg="alert taken"`, "airing="+airing.ID)
			if err != nil {
				return nil, err
			}
			if came[driver], err = field(line, "came"); err != nil {
				return nil, err
			}
			if _, _, err := d.began(ctx, airing.ID, "sound"); err != nil {
				return nil, err
			}
		}
		if err := errors.Join(w.silence(ctx, airing.ID), pause(ctx, time.Second)); err != nil { // told only when it is over
			return nil, err
		}
		for driver, d := range devices {
			first, err := soundedAfter(d.card, came[driver])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", d.id, err)
			}
			took[driver] = append(took[driver], ms(first.Sub(came[driver])))
		}
	}
	var results []result
	for _, driver := range drivers {
		results = append(results,
			under("alert, driver "+driver+": arrival to first sound, content on the device, p50", percentile(took[driver], 50), 300, "ms"),
			under("alert, driver "+driver+": the same, p99", percentile(took[driver], 99), 300, "ms"))
	}
	return results, nil
}

// emergency has one approved by two people and aired, so that its sound is on every
// device; it returns the approval.
func (w *world) emergency(ctx context.Context) (string, error) {
	id, err := w.bulletinOf(ctx, "emergency", "Nước lũ đang lên. Bà con lên chỗ cao ngay.", "", true)
	if err != nil {
		return "", err
	}
	var request struct {
		ID string `json:"id"`
	}
	if err := w.author.call(ctx, http.MethodPost, "/bulletins/"+id+"/submit", map[string]any{
		"units": []string{unit}, "when": "now", "passes": 1, "validity": 5, "plays_per_day": 1000,
	}, &request); err != nil {
		return "", err
	}
	for _, c := range []*client{w.approver, w.second} {
		if err := c.call(ctx, http.MethodPost, "/approvals/"+request.ID+"/approve", map[string]any{"password": password}, nil); err != nil {
			return "", err
		}
	}
	// Its pass is over, with the sound fetched meanwhile.
	return request.ID, errors.Join(pause(ctx, 10*time.Second), w.author.call(ctx, http.MethodPost, "/stops", map[string]any{"unit": unit}, nil), pause(ctx, time.Second))
}

// soundedAfter is when a card began to sound for the first time from an instant on.
func soundedAfter(card *process, at time.Time) (time.Time, error) {
	all, err := stretches(card)
	if err != nil {
		return time.Time{}, err
	}
	for _, s := range all {
		if !s.From.Before(at) {
			return s.From, nil
		}
	}
	return time.Time{}, errors.New("nothing sounded")
}
