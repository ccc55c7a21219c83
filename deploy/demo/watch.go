package main

import (
	"context"
	"fmt"
	"sort"
	"time"
)

// watched is what the hub said last.
type watched struct {
	devices []deviceBody
	lines   []line
}

// receipts reads what the hub knows of every bulletin that was aired.
func (d *demo) receipts(ctx context.Context) ([]line, error) {
	d.mu.Lock()
	var aired []item
	for _, it := range d.items {
		if it.airing != "" {
			aired = append(aired, *it)
		}
	}
	d.mu.Unlock()
	var out []line
	for _, it := range aired {
		r, err := get[reachBody](ctx, d.soan, "/bulletins/"+it.body.ID+"/reach")
		if err != nil {
			return nil, err
		}
		for _, l := range r.Lines {
			out = append(out, line{it.key, l})
		}
	}
	return out, nil
}

// follow keeps the table up to date until ctx ends.
func (d *demo) follow(ctx context.Context) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		v, err := get[[]deviceBody](ctx, d.soan, "/devices")
		if err != nil {
			continue // the steps of the story say what is wrong
		}
		lines, err := d.receipts(ctx)
		if err != nil {
			continue
		}
		sort.Slice(v, func(i, j int) bool { return v[i].ID < v[j].ID })
		d.mu.Lock()
		d.watch = watched{v, lines}
		d.mu.Unlock()
		d.scr.follow(d.table())
	}
}

// allSettled says whether every occurrence of the list has its outcome.
func (d *demo) allSettled() (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return settled(d.list, d.watch.lines), nil
}

// table draws what is known.
func (d *demo) table() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	cells := map[string]map[string]progress{}
	var titles []string
	playing := map[string]string{}
	for _, v := range d.watch.devices {
		playing[v.ID] = v.Playing
	}
	for _, it := range d.items {
		if it.airing == "" {
			continue
		}
		titles = append(titles, it.sample.Title)
		row := map[string]progress{}
		for _, w := range d.list {
			if w.bulletin != it.key {
				continue
			}
			outcome := "ahead"
			for _, l := range d.watch.lines {
				if l.bulletin == w.bulletin && l.Device == w.device && l.Medium == w.medium && w.start.holds(l.Start) {
					outcome = l.Outcome
				}
			}
			if (outcome == "ahead" || outcome == "unknown") && playing[w.device] == it.airing {
				outcome = "on"
			}
			p := row[w.device]
			if w.medium == "board" {
				p.board = outcome
			} else {
				p.sound = outcome
			}
			row[w.device] = p
		}
		cells[it.sample.Title] = row
	}
	return append([]string{"", fmt.Sprintf("tiếng, bảng / sound, board:  · chờ/ahead  ▶ đang phát/on  %s đã phát/played  %s bị ngắt/cut  %s không phát/skipped",
		sign("played"), sign("cut"), sign("skipped"))}, grid(d.watch.devices, titles, cells)...)
}
