# The report's figures once more, from the same extract, by R alone: base, survival and, where they
# are installed, geepack, sandwich and cmprsk. Prints a name and numbers a line, tabs between them.
#
#   cd EXTRACT && Rscript --vanilla independent.R

source("load.R")
suppressMessages(library(survival))
there <- function(name) {
  suppressMessages(suppressWarnings(require(name, character.only = TRUE, quietly = TRUE)))
}
say <- function(name, ...) cat(paste(c(name, sprintf("%.12g", c(...))), collapse = "\t"), "\n")
z <- qnorm(0.975)

# Orders with what happened to their person in the order's own window.
seen <- function(orders, types, against = NULL, days = NULL) {
  kept <- outcomes[outcomes$type %in% types & !is.na(outcomes$days_from_allocation), ]
  if (!is.null(against)) kept <- kept[!is.na(kept$instrument) & kept$instrument == against, ]
  window <- if (is.null(days)) orders$days_at_risk else rep(days, nrow(orders))
  found <- t(sapply(seq_len(nrow(orders)), function(i) {
    mine <- kept[kept$person == orders$person[i], ]
    since <- mine$days_from_allocation - orders$days_from_randomisation[i]
    inside <- since >= 0 & since <= window[i]
    if (is.null(days) && orders$days_from_randomisation[i] == 0) inside <- mine$within_order
    c(sum(inside), if (any(inside)) min(since[inside]) else NA)
  }))
  orders$n <- found[, 1]
  orders$event <- as.integer(orders$n > 0)
  orders$risk <- pmin(window, orders$days_followed)
  orders$at <- pmax(ifelse(is.na(found[, 2]), orders$risk, found[, 2]), 0)
  orders$treated <- as.integer(orders$arm == "Intervention")
  orders
}

allocated <- enrolments[enrolments$allocated, ]
people <- allocated[!allocated[["repeat"]], ]
both <- c("Arrest", "Breach")
dvpo <- "Domestic Violence Protection Order"
p <- seen(people, both, dvpo)

counts <- function(d) c(sum(d$event[d$treated == 1]), sum(d$treated), sum(d$event[d$treated == 0]),
                        sum(1 - d$treated))
wilson <- function(x, n) {
  as.numeric(suppressWarnings(prop.test(x, n, correct = FALSE))$conf.int)
}
newcombe <- function(k) {
  one <- wilson(k[1], k[2]); other <- wilson(k[3], k[4]); r1 <- k[1] / k[2]; r0 <- k[3] / k[4]
  c(r1 - r0, r1 - r0 - sqrt((r1 - one[1])^2 + (other[2] - r0)^2),
    r1 - r0 + sqrt((one[2] - r1)^2 + (r0 - other[1])^2))
}
table_of <- function(k) matrix(c(k[1], k[2] - k[1], k[3], k[4] - k[3]), 2)
k <- counts(p)
say("counts", k)
say("wilson_intervention", wilson(k[1], k[2]))
say("wilson_control", wilson(k[3], k[4]))
say("risk_difference", newcombe(k))
error <- sqrt(1 / k[1] - 1 / k[2] + 1 / k[3] - 1 / k[4])
say("risk_ratio", exp(log((k[1] / k[2]) / (k[3] / k[4])) + c(0, -z, z) * error))
say("fisher", fisher.test(table_of(k))$p.value)

strata <- table(factor(p$treated, c(1, 0)), factor(p$event, c(1, 0)), p$stratum)
mh <- mantelhaen.test(strata, correct = FALSE)
say("mantel_haenszel_odds_ratio", mh$estimate, mh$conf.int)
say("mantel_haenszel_p", mh$p.value)
p$male <- p$sex == "Male"
p$age <- factor(as.character(p$age_band))
fit <- glm(event ~ treated + stratum + age + male, binomial, p)
b <- coef(fit)["treated"]; s <- sqrt(vcov(fit)["treated", "treated"])
say("adjusted", exp(b + c(0, -z, z) * s))
say("adjusted_p", 2 * pnorm(-abs(b / s)))
interaction <- anova(glm(event ~ age + treated, binomial, p), glm(event ~ age * treated, binomial, p))
say("interaction_age", interaction$Deviance[2], pchisq(interaction$Deviance[2], interaction$Df[2],
                                                        lower.tail = FALSE))

if (there("geepack")) {
  every <- seen(allocated, both, dvpo)
  every <- every[order(every$person), ]
  every$who <- as.integer(factor(every$person))
  g <- geeglm(event ~ treated, binomial, every, id = who, corstr = "independence")
  b <- coef(g)["treated"]; s <- summary(g)$coefficients["treated", "Std.err"]
  say("with_repeats", exp(b + c(0, -z, z) * s))
}

curves <- survfit(Surv(at, event) ~ treated, p)
for (arm in 0:1) {
  one <- summary(survfit(Surv(at, event) ~ 1, p[p$treated == arm, ], conf.type = "log-log"), times = 14)
  say(paste0("survival_14_", arm), one$surv, one$lower, one$upper)
}
rank <- survdiff(Surv(at, event) ~ treated, p)
say("log_rank", rank$chisq, pchisq(rank$chisq, 1, lower.tail = FALSE))
mean21 <- summary(curves, rmean = 21)$table
say("restricted_mean", mean21[2, "rmean"], mean21[1, "rmean"])
say("restricted_error", mean21[2, "se(rmean)"], mean21[1, "se(rmean)"])

if (there("cmprsk")) {
  ended <- pmax(p$days_to_end - p$days_to_allocation, 0)
  competes <- !is.na(ended) & p$end_reason %in% c("Quashed", "Deceased") & ended < p$at
  status <- ifelse(competes, 2, p$event)
  share <- timepoints(cuminc(ifelse(competes, ended, p$at), status, p$treated), 21)
  say("incidence_21", share$est["1 1", 1], share$est["0 1", 1])
  say("incidence_21_error", sqrt(share$var["1 1", 1]), sqrt(share$var["0 1", 1]))
}
if (there("sandwich")) {
  at_risk <- p[p$risk > 0, ]
  fit <- glm(n ~ treated, poisson, at_risk, offset = log(risk))
  b <- coef(fit)["treated"]; s <- sqrt(vcovHC(fit, type = "HC1")["treated", "treated"])
  say("rate_ratio", exp(b + c(0, -z, z) * s))
}

reached <- as.integer(p$delivered > 0)
share <- mean(reached[p$treated == 1])
say("complier", (k[1] / k[2] - k[3] / k[4]) / share, share)
inside <- function(effect) {  # Anderson and Rubin: the effects that a test does not reject
  rest <- p$event - effect * reached
  d <- mean(rest[p$treated == 1]) - mean(rest[p$treated == 0])
  v <- var(rest[p$treated == 1]) / k[2] + var(rest[p$treated == 0]) / k[4]
  d^2 / v - z^2
}
middle <- (k[1] / k[2] - k[3] / k[4]) / share
say("complier_interval", uniroot(inside, c(-1, middle))$root, uniroot(inside, c(middle, 1))$root)

# The posterior by integrating over both risks, not over log odds.
grid <- (seq_len(1500) - 0.5) / 1500
weigh <- function(p1, p0) {
  dbinom(k[1], k[2], p1) * dbinom(k[3], k[4], p0) * dnorm(qlogis(p1) - qlogis(p0), 0, 0.27) / (p1 * (1 - p1))
}
w <- outer(grid, grid, weigh)
theta <- outer(qlogis(grid), qlogis(grid), "-")
say("benefit", sum(w[theta < 0]) / sum(w) + sum(w[theta == 0]) / sum(w) / 2)

ps <- c()
second <- list(breach_in_order = list("Breach", dvpo, NULL), arrest_in_order = list("Arrest", NULL, NULL),
               any_30 = list(c("Arrest", "Breach", "Domestic abuse incident", "Offence"), NULL, 30),
               any_365 = list(c("Arrest", "Breach", "Domestic abuse incident", "Offence"), NULL, 365),
               abuse_in_order = list(c("Domestic abuse incident", "Offence"), NULL, NULL),
               any_90 = list(c("Arrest", "Breach", "Domestic abuse incident", "Offence"), NULL, 90))
for (name in names(second)) {
  each <- second[[name]]
  c4 <- counts(seen(people, each[[1]], each[[2]], each[[3]]))
  say(paste0("secondary_", name), c4, newcombe(c4))
  ps[name] <- fisher.test(table_of(c4))$p.value
}
holm <- p.adjust(ps, "holm")
for (name in names(holm)) say(paste0("holm_", name), ps[name], holm[name])
