//! The live view: plugins, outputs, the latest findings and verdicts, redrawn a few times a second.

use super::{Event, EventKind, Message, Messages, Snapshot};
use crossbeam_channel::RecvTimeoutError;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::ExecutableCommand;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell, List, ListItem, Row, Table};
use std::collections::VecDeque;
use std::io::Stderr;
use std::time::{Duration, Instant};

/// Lines kept of each list; more than a screen has.
const KEPT_LINES: usize = 64;

/// Between two pictures.
const REDRAW_EVERY: Duration = Duration::from_millis(200);

#[derive(Default)]
struct Picture {
    snapshot: Snapshot,
    findings: VecDeque<Event>,
    verdicts: VecDeque<Event>,
    controller: VecDeque<Event>,
}

impl Picture {
    /// False for the last message.
    fn take(&mut self, message: Message) -> bool {
        match message {
            Message::Close => return false,
            Message::Snapshot(snapshot) => self.snapshot = *snapshot,
            Message::Event(event) => {
                let list = match event.kind {
                    EventKind::Finding | EventKind::Alarm => &mut self.findings,
                    EventKind::Verdict => &mut self.verdicts,
                    EventKind::Controller => &mut self.controller,
                };
                list.push_front(event);
                list.truncate(KEPT_LINES);
            }
        }
        true
    }
}

/// Runs until the controller lets go of its end; then the terminal is as it was.
pub(super) fn run(messages: &Messages) {
    let mut err = std::io::stderr();
    let opened = err.execute(EnterAlternateScreen).is_ok();
    match Terminal::new(CrosstermBackend::new(std::io::stderr())) {
        Ok(terminal) if opened => draw_until_closed(terminal, messages),
        _ => super::plain::run(messages),
    }
    // The screen goes back even if the last picture could not be drawn; there is nobody to tell.
    let _ = err.execute(LeaveAlternateScreen);
    let _ = err.execute(ratatui::crossterm::cursor::Show);
}

fn draw_until_closed(mut terminal: Terminal<CrosstermBackend<Stderr>>, messages: &Messages) {
    let mut picture = Picture::default();
    let mut next = Instant::now();
    loop {
        match messages.recv_deadline(next) {
            Ok(message) => {
                if !picture.take(message) {
                    return;
                }
                if Instant::now() < next {
                    continue;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        next = Instant::now() + REDRAW_EVERY;
        if terminal.draw(|area| draw(area, &picture)).is_err() {
            return;
        }
    }
}

fn draw(area: &mut ratatui::Frame<'_>, picture: &Picture) {
    let snapshot = &picture.snapshot;
    let plugins = u16::try_from(snapshot.plugins.len()).unwrap_or(u16::MAX).saturating_add(3);
    let outputs = u16::try_from(snapshot.outputs.len()).unwrap_or(u16::MAX).saturating_add(3);
    let parts = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(plugins.min(16)),
        Constraint::Length(if snapshot.outputs.is_empty() { 0 } else { outputs.min(12) }),
        Constraint::Fill(2),
        Constraint::Fill(2),
        Constraint::Length(5),
    ])
    .split(area.area());
    area.render_widget(headline(snapshot), parts[0]);
    draw_plugins(area, parts[1], snapshot);
    draw_outputs(area, parts[2], snapshot);
    draw_events(area, parts[3], " findings ", &picture.findings);
    draw_events(area, parts[4], " verdicts ", &picture.verdicts);
    draw_events(area, parts[5], " controller · Ctrl-C stops ", &picture.controller);
}

fn headline(snapshot: &Snapshot) -> Line<'static> {
    let mut text = format!(
        " {} · {} · {:.0} s ({:.0} s of run time) · scan {} · overruns {} · {} samples · {} inferences",
        snapshot.site,
        snapshot.time,
        snapshot.wall_s,
        snapshot.run_s,
        snapshot.scans,
        snapshot.overruns,
        snapshot.samples_in,
        snapshot.inferences
    );
    if let Some((published, acked)) = snapshot.mqtt {
        text.push_str(&format!(" · mqtt {acked}/{published}"));
    }
    let mut spans = vec![Span::styled(text, Style::new().add_modifier(Modifier::BOLD))];
    if let Some(ratio) = snapshot.profit_ratio {
        let text = format!(" · profit {:.1} % of the optimum", ratio * 100.0);
        spans.push(Span::styled(text, Style::new().fg(Color::Green)));
    }
    Line::from(spans)
}

fn draw_plugins(area: &mut ratatui::Frame<'_>, place: Rect, snapshot: &Snapshot) {
    let head = ["plugin", "world", "state", "calls", "last µs", "avg µs", "max µs", "missed", "faults"];
    let rows = snapshot.plugins.iter().map(|plugin| {
        let healthy = plugin.faults == 0 && plugin.missed == 0 && plugin.state == "running";
        let colour = if healthy { Color::Reset } else { Color::Yellow };
        Row::new(vec![
            plugin.name.clone(),
            plugin.world.to_owned(),
            plugin.state.to_owned(),
            plugin.calls.to_string(),
            format!("{:.0}", plugin.last_us),
            format!("{:.0}", plugin.mean_us),
            format!("{:.0}", plugin.max_us),
            plugin.missed.to_string(),
            plugin.faults.to_string(),
        ])
        .style(Style::new().fg(colour))
    });
    let widths = [
        Constraint::Fill(2),
        Constraint::Fill(2),
        Constraint::Length(11),
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Length(7),
        Constraint::Length(7),
    ];
    let table = Table::new(rows, widths)
        .header(Row::new(head.map(Cell::from)).style(Style::new().add_modifier(Modifier::DIM)))
        .block(Block::bordered().title(" plugins "));
    area.render_widget(table, place);
}

fn draw_outputs(area: &mut ratatui::Frame<'_>, place: Rect, snapshot: &Snapshot) {
    let rows = snapshot.outputs.iter().map(|output| {
        Row::new(vec![output.name.clone(), output.applied.clone(), output.mode.to_owned(), output.verdict.clone()])
    });
    let widths = [Constraint::Fill(2), Constraint::Length(18), Constraint::Length(8), Constraint::Fill(5)];
    let table = Table::new(rows, widths)
        .header(
            Row::new(["output", "applied", "mode", "latest verdict"].map(Cell::from))
                .style(Style::new().add_modifier(Modifier::DIM)),
        )
        .block(Block::bordered().title(" outputs "));
    area.render_widget(table, place);
}

fn draw_events(area: &mut ratatui::Frame<'_>, place: Rect, title: &str, events: &VecDeque<Event>) {
    let items = events.iter().map(|event| {
        ListItem::new(Line::from(vec![
            Span::styled(format!("{} ", event.time), Style::new().add_modifier(Modifier::DIM)),
            Span::raw(event.text.clone()),
        ]))
    });
    area.render_widget(List::new(items).block(Block::bordered().title(title.to_owned())), place);
}
