// Package relay takes live streams in and sends them on: one ingest a session,
// by ffmpeg in a confined child that is restarted, cut into pieces of 200 ms that
// the session's key signs. It notices a lost stream and dead air, and says so.
//
// It decides nothing about what is on air or for how long: sessions run while an
// approved airing may sound, and devices end them by themselves.
package relay
