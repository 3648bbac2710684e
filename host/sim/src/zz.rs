#[test]
fn zz_print() {
    for seed in 0..3 {
        let mut p = crate::plant("rig", seed, crate::Script::demo()).expect("x");
        let mut rows: Vec<Vec<f64>> = vec![];
        for _ in 0..600 { p.advance(6.0); let mut o = vec![]; p.read(&mut o);
            rows.push(o.iter().filter_map(|r| match &r.value { crate::Value::Number(x) => Some(*x), _ => None }).collect()); }
        for (i, s) in p.signals().iter().enumerate().take(14) {
            let st = |a: usize, b: usize| { let v: Vec<f64> = rows[a..b].iter().map(|r| r[i]).collect(); let m = v.iter().sum::<f64>()/v.len() as f64; let d = (v.iter().map(|x|(x-m).powi(2)).sum::<f64>()/v.len() as f64).sqrt(); format!("{m:9.3}±{d:6.3}") };
            println!("{seed} {:24} cal {}  wear {} cav {} drift {} stuck {} end {}", s.name, st(0,149), st(180,219), st(300,329), st(400,439), st(480,519), st(540,599));
        }
    }
}
